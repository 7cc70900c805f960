/* Benchmarks are not linked to tests/support; this is the one part of it that they share. */
#include "support/vfs_shim.c"
