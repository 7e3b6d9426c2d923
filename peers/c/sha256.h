/* SHA-256 (FIPS 180-4). Owns the digest and its hexadecimal form. Independent of byte order and word size. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_HEX = 64 };

struct sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64];
};

void sha256_start(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *from, size_t size);
/* Lower-case hexadecimal digits and a zero. The sum itself stays as it is: more may be added. */
void sha256_hex(const struct sha256 *sum, char hex[SHA256_HEX + 1]);

#endif
