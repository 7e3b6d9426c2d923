// Which address families this system has. Knows nothing of what they are used for.

import dgram from 'node:dgram';

const PROBES = { ipv4: ['udp4', '0.0.0.0'], ipv6: ['udp6', '::'] };

/**
 * Asks the system by binding a datagram socket of each family for a moment: that needs no address and no route,
 * and nothing can connect to it.
 *
 * @returns {Promise<string[]>} of `ipv4` and `ipv6`, those that are there
 */
export async function familiesHere() {
  const names = Object.keys(PROBES);
  const found = await Promise.all(names.map((name) => isHere(...PROBES[name])));
  return names.filter((_, index) => found[index]);
}

function isHere(type, wildcard) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket({ type, ipv6Only: type === 'udp6' });
    const tell = (here) => socket.close(() => resolve(here));
    socket.once('error', () => tell(false));
    socket.bind({ port: 0, address: wildcard, exclusive: true }, () => tell(true));
  });
}
