/* Digests and hexadecimal. SHA-256 and BLAKE2b come from libsodium. */
#include "base/base.h"

#include <sodium.h>

void base_sha256(const void *bytes, size_t len, uint8_t out[BASE_DIGEST_SIZE])
{
    crypto_hash_sha256(out, bytes, len);
}

void base_fingerprint(const void *first, size_t first_len, const void *second, size_t second_len, uint8_t *out, size_t size)
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, size);
    (void)crypto_generichash_update(&state, first, first_len);
    if (second_len > 0)
        (void)crypto_generichash_update(&state, second, second_len);
    (void)crypto_generichash_final(&state, out, size);
}

void base_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool base_unhex(const char *s, size_t len, uint8_t *out)
{
    if (len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        const int high = nibble(s[i]), low = nibble(s[i + 1]);
        if (high < 0 || low < 0)
            return false;
        *out++ = (uint8_t)(high << 4 | low);
    }
    return true;
}
