/*
 * Counts allocations of our own objects while a stream runs (guard.c). Link
 * with pta_guard's --wrap options.
 */
#ifndef PTA_TESTS_GUARD_H
#define PTA_TESTS_GUARD_H

#include <stddef.h>

void guard_reset(void);

/** Called by the wrapped MPI_Barrier and MPI_Allreduce around the stream. */
void guard_open(void);
void guard_close(void);

/** Allocations seen while open, and how often it was opened. */
size_t guard_count(void);
size_t guard_windows(void);

#endif
