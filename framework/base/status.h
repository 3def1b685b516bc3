/*
 * Status codes: what every fallible function of Partita returns.
 *
 * Codes, names and texts come from one table. A code says what kind of thing
 * went wrong; the detail (which file, layer, rank, option) is the text that
 * pta_fail() (ctx.h) stores beside it.
 */
#ifndef PTA_BASE_STATUS_H
#define PTA_BASE_STATUS_H

#define PTA_STATUS_MAP(X)                                                      \
    X(PTA_OK, "success")                                                       \
    X(PTA_ERR_NOMEM, "out of memory")                                          \
    X(PTA_ERR_IO, "a file cannot be read or written")                          \
    X(PTA_ERR_FORMAT, "a file is damaged or of another kind")                  \
    X(PTA_ERR_UNSUPPORTED, "not supported")                                    \
    X(PTA_ERR_MISMATCH, "two things that belong together do not match")        \
    X(PTA_ERR_USAGE, "wrong use of an option or argument")                     \
    X(PTA_ERR_RANGE, "a number does not fit")                                  \
    X(PTA_ERR_NOT_FOUND, "something named does not exist")                     \
    X(PTA_ERR_MPI, "an MPI call failed")                                       \
    X(PTA_ERR_DEVICE, "a device failed")                                       \
    X(PTA_ERR_PEER, "another rank failed")

typedef enum pta_status {
#define PTA_STATUS_ENUM(code, text) code,
    PTA_STATUS_MAP(PTA_STATUS_ENUM)
#undef PTA_STATUS_ENUM
        PTA_STATUS_COUNT
} pta_status;

#define PTA_MUST_CHECK __attribute__((warn_unused_result))

/** Returns the first failure of `call` from the enclosing function. */
#define PTA_TRY(call)                                                          \
    do {                                                                       \
        pta_status pta_try_status = (call);                                    \
        if (pta_try_status != PTA_OK) {                                        \
            return pta_try_status;                                             \
        }                                                                      \
    } while (0)

/** Jumps to `label` with the failure stored in `status`. */
#define PTA_TRY_GOTO(status, call, label)                                      \
    do {                                                                       \
        (status) = (call);                                                     \
        if ((status) != PTA_OK) {                                              \
            goto label;                                                        \
        }                                                                      \
    } while (0)

/** Name of a code, such as "PTA_ERR_IO"; "PTA_ERR_?" if it is none. */
const char *pta_status_name(pta_status status);

/** One-line text of a code; never NULL. */
const char *pta_status_text(pta_status status);

#endif
