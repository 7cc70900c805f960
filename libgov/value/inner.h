/* What the files of this room share and nobody else sees. */
#ifndef VALUE_INNER_H
#define VALUE_INNER_H

#include "value/value.h"

/* GOV_OK, GOV_E_NOMEM, or GOV_END: not in canonical form. Reports nothing. */
gov_status value_read_canonical(base_arena *arena, const char *text, size_t len, value *out);
/* The value of a scalar tag ("uint", "timestamp", ...) whose content is that text. */
bool value_read_scalar(const char *tag, value text, value *out);

#endif
