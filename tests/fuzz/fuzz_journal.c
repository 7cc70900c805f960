/*
 * An exported journal, and the bytes of a leaf, from outside: a verdict, never more. What is accepted must be what
 * the key below signed, so that only the corpus's own whole files are.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "journal/inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The corpus is signed with the key made from a seed of 32 bytes 'k'. */
static void corpus_key(uint8_t public_key[32])
{
    uint8_t seed[32], secret_key[64];
    memset(seed, 'k', sizeof seed);
    (void)crypto_sign_seed_keypair(public_key, secret_key, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t public_key[32];
    journal_report report;
    leaf_parts parts;
    gov_error *e = NULL;
    const diag d = {&base_malloc, &e};
    corpus_key(public_key);
    const gov_status rc = journal_verify_export(&base_malloc, data, size, public_key, &report, &d);
    if (rc != gov_error_status(e) || (rc != GOV_OK && rc != GOV_E_VERIFY && rc != GOV_E_INPUT)) {
        fprintf(stderr, "fuzz_journal: status %d\n", (int)rc);
        abort();
    }
    gov_error_free(e);
    if (journal_leaf_read(data, size, &parts)) {
        uint64_t sum =
            parts.kind.len + parts.purpose.len + parts.subject_kind.len + parts.rule_file.len;
        sum += parts.commitment[JOURNAL_HASH - 1];
        if (sum > 255 + 4 * (uint64_t)size)
            abort();
    }
    return 0;
}
