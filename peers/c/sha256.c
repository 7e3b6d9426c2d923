/* SHA-256; see sha256.h. Names of variables and functions are those of FIPS 180-4, section 4.1.2 and 6.2. */
#include "sha256.h"

#include <string.h>

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n) {
    return (x >> n) | (x << (32 - n));
}

static uint32_t big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* One round. Instead of moving the eight working variables along, the callers name them in turn. */
static inline void turn(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
                        uint32_t *h, uint32_t kw) {
    uint32_t t1 = *h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + kw;
    *d += t1;
    *h = t1 + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
}

static void schedule(uint32_t w[64], const uint8_t *block) {
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[64];
    schedule(w, block);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i += 8) {
        turn(a, b, c, &d, e, f, g, &h, K[i] + w[i]);
        turn(h, a, b, &c, d, e, f, &g, K[i + 1] + w[i + 1]);
        turn(g, h, a, &b, c, d, e, &f, K[i + 2] + w[i + 2]);
        turn(f, g, h, &a, b, c, d, &e, K[i + 3] + w[i + 3]);
        turn(e, f, g, &h, a, b, c, &d, K[i + 4] + w[i + 4]);
        turn(d, e, f, &g, h, a, b, &c, K[i + 5] + w[i + 5]);
        turn(c, d, e, &f, g, h, a, &b, K[i + 6] + w[i + 6]);
        turn(b, c, d, &e, f, g, h, &a, K[i + 7] + w[i + 7]);
    }
    uint32_t more[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += more[i];
}

void sha256_start(struct sha256 *sum) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sum->state, initial, sizeof initial);
    sum->size = 0;
}

void sha256_add(struct sha256 *sum, const void *from, size_t size) {
    const uint8_t *at = from;
    size_t used = (size_t)(sum->size % 64);
    sum->size += size;
    if (used) {
        size_t part = size < 64 - used ? size : 64 - used;
        memcpy(sum->block + used, at, part);
        if (used + part < 64)
            return;
        compress(sum->state, sum->block);
        at += part;
        size -= part;
    }
    for (; size >= 64; at += 64, size -= 64)
        compress(sum->state, at);
    if (size)
        memcpy(sum->block, at, size);
}

static void finish(struct sha256 *sum) {
    static const uint8_t padding[64] = {0x80};
    uint64_t bits = sum->size * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(sum, padding, 1 + (size_t)((119 - sum->size % 64) % 64));
    sha256_add(sum, length, sizeof length);
}

void sha256_hex(const struct sha256 *sum, char hex[SHA256_HEX + 1]) {
    static const char digits[] = "0123456789abcdef";
    struct sha256 copy = *sum;
    finish(&copy);
    for (int i = 0; i < SHA256_HEX; i++)
        hex[i] = digits[copy.state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[SHA256_HEX] = 0;
}
