// What is no valid packet of RTP or RTCP. Knows neither.

/** Octets that are no packet (RFC 3550, A.1 and A.2). */
export class Malformed extends Error {}
