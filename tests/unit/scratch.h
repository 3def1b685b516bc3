/*
 * A folder of its own for a test program, and files in it with given bytes.
 */
#ifndef PTA_TESTS_SCRATCH_H
#define PTA_TESTS_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRATCH_PATH = 512 };

/** Creates the folder on first use. */
static inline const char *scratch_folder(void)
{
    static char folder[] = "/tmp/partita-test-XXXXXX";
    static int made = 0;
    if (!made && mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
    made = 1;
    return folder;
}

/** Path of a name in the folder. */
static inline const char *scratch_path(char path[SCRATCH_PATH],
                                       const char *name)
{
    (void)snprintf(path, SCRATCH_PATH, "%s/%s", scratch_folder(), name);
    return path;
}

static inline const char *scratch_write(char path[SCRATCH_PATH],
                                        const char *name, const void *bytes,
                                        size_t n_bytes)
{
    FILE *file = fopen(scratch_path(path, name), "wb");
    if (file == NULL || fwrite(bytes, 1, n_bytes, file) != n_bytes ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    return path;
}

/** Removes the folder and all in it; call at the end of main. */
static inline void scratch_remove(void)
{
    char command[SCRATCH_PATH];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder());
    if (system(command) != 0) {
        fprintf(stderr, "%s not removed\n", scratch_folder());
    }
}

#endif
