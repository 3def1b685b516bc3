/*
 * The allocation guard: malloc and its kin, as called from our own objects, are
 * wrapped by the linker; calls inside MPI or OpenBLAS, which are shared
 * libraries, are not seen. The runner calls MPI_Barrier as the last thing
 * before a stream and MPI_Allreduce (its agreement) as the first thing after:
 * the profiling interface of MPI makes these two the window.
 *
 * A test program, so its state is static.
 */
#include "guard.h"

#include <mpi.h>
#include <stdbool.h>
#include <stdlib.h>

static bool open_now;
static size_t count, windows;

void guard_reset(void)
{
    open_now = false;
    count = windows = 0;
}

void guard_open(void)
{
    open_now = true;
    windows++;
}

void guard_close(void)
{
    open_now = false;
}

size_t guard_count(void)
{
    return count;
}

size_t guard_windows(void)
{
    return windows;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **block, size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    count += open_now;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
    count += open_now;
    return __real_calloc(n, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
    count += open_now;
    return __real_realloc(block, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    count += open_now;
    return __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    count += open_now;
    return __real_posix_memalign(block, alignment, bytes);
}

int MPI_Barrier(MPI_Comm comm)
{
    int code = PMPI_Barrier(comm);
    guard_open();
    return code;
}

int MPI_Allreduce(const void *send, void *receive, int n, MPI_Datatype type,
                  MPI_Op op, MPI_Comm comm)
{
    guard_close();
    return PMPI_Allreduce(send, receive, n, type, op, comm);
}
