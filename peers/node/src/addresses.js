// Addresses as the contract writes them. Knows no protocol.

const UNSPECIFIED = { IPv4: '0.0.0.0', IPv6: '::' };

/**
 * @param {{address: string, port: number}} found as `address()` of sockets and servers tells it
 * @returns {[string, number]}
 */
export const pair = ({ address, port }) => [address, port];

/**
 * Both ends of a TCP connection, to be asked for as soon as it stands. The system no longer tells who the other side
 * was when its RST has come first; that is written as the unspecified address with port 0.
 *
 * @param {import('node:net').Socket} socket
 * @returns {{local: [string, number], remote: [string, number]}}
 */
export function ends(socket) {
  const nobody = [UNSPECIFIED[socket.localFamily] ?? UNSPECIFIED[socket.address().family] ?? '', 0];
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  return {
    local: localAddress === undefined ? nobody : [localAddress, localPort],
    remote: remoteAddress === undefined ? nobody : [remoteAddress, remotePort],
  };
}
