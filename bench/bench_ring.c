/*
 * A token round all ranks: MPI against raw blocking TCP between the same
 * processes.
 *
 *     mpi_launch/run --lab lab -np 5 build/bench/bench_ring [ROUNDS] [BLOCKS]
 *
 * Every rank listens on the address of its first network interface that is up
 * and no loopback (in a lab: its link) and connects to the next rank. A token of
 * 1 KiB goes round by read and write, then by MPI_Send and MPI_Recv, in turns.
 * Timed on rank 0, once round. Bar: MPI takes at most 1.3 times as long.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "floor.h"
#include "runtime/clock.h"

enum { TOKEN = 1024, MAX_BLOCKS = 99 };

#define BAR 1.3

typedef struct ring {
    int from, to; /* sockets: previous and next rank */
} ring;

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

/** First interface that is up and no loopback; the loopback if none. */
static struct in_addr own_address(void)
{
    struct in_addr found = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct ifaddrs *list;
    must(getifaddrs(&list) == 0, "getifaddrs");
    for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET &&
            (i->ifa_flags & IFF_UP) != 0 &&
            (i->ifa_flags & IFF_LOOPBACK) == 0) {
            struct sockaddr_in address;
            memcpy(&address, i->ifa_addr, sizeof address);
            found = address.sin_addr;
            break;
        }
    }
    freeifaddrs(list);
    return found;
}

/** Everyone listens, then connects to the next, then accepts the one before. */
static ring ring_open(const bench *b)
{
    struct sockaddr_in mine = {.sin_family = AF_INET,
                               .sin_addr = own_address()};
    struct sockaddr_in *all = calloc((size_t)b->size, sizeof *all);
    socklen_t n = sizeof mine;
    ring r;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    must(listener >= 0 &&
             bind(listener, (struct sockaddr *)&mine, sizeof mine) == 0 &&
             listen(listener, 1) == 0 &&
             getsockname(listener, (struct sockaddr *)&mine, &n) == 0,
         "listen");
    MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, all, (int)sizeof mine,
                  MPI_BYTE, MPI_COMM_WORLD);
    r.to = socket(AF_INET, SOCK_STREAM, 0);
    must(r.to >= 0 &&
             connect(r.to, (struct sockaddr *)&all[(b->rank + 1) % b->size],
                     sizeof *all) == 0,
         "connect");
    r.from = accept(listener, NULL, NULL);
    must(r.from >= 0 &&
             setsockopt(r.to, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0,
         "accept");
    close(listener);
    free(all);
    return r;
}

static void give(const ring *r, const char *token)
{
    must(write(r->to, token, TOKEN) == TOKEN, "write");
}

static void take(const ring *r, char *token)
{
    for (size_t at = 0; at < TOKEN;) {
        ssize_t n = read(r->from, token + at, TOKEN - at);
        must(n > 0, "read");
        at += (size_t)n;
    }
}

static void tcp_run(const bench *b, const ring *r, int64_t n, double *us)
{
    char token[TOKEN] = {0};
    MPI_Barrier(MPI_COMM_WORLD);
    for (int64_t i = 0; i < n; i++) {
        uint64_t begin = pta_clock_now();
        if (b->rank == 0) {
            memcpy(token, &i, sizeof i);
            give(r, token);
        }
        take(r, token);
        if (b->rank != 0) {
            give(r, token);
        }
        us[i] = 1e-3 * (double)(pta_clock_now() - begin);
        int64_t got;
        memcpy(&got, token, sizeof got);
        must(got == i, "another token");
    }
}

int main(int argc, char **argv)
{
    bench b;
    bench_begin(&b, &argc, &argv);
    int64_t n = argc > 1 ? atoll(argv[1]) : 2000;
    int n_blocks = argc > 2 ? atoi(argv[2]) : 9;
    if (b.size < 2 || n < 10 || n_blocks < 1 || n_blocks > MAX_BLOCKS) {
        fprintf(stderr, "bench_ring: expected 2 ranks or more, [ROUNDS >= 10] "
                        "[BLOCKS]\n");
        bench_end(&b, false);
        return 2;
    }
    ring r = ring_open(&b);
    double *us = calloc((size_t)n, sizeof *us);
    double tcp[MAX_BLOCKS], mpi[MAX_BLOCKS], ratio[MAX_BLOCKS];
    for (int i = 0; i < n_blocks; i++) {
        tcp_run(&b, &r, n, us);
        tcp[i] = bench_quantile(us, n, 0.5);
        ring_run(&b, n, us);
        mpi[i] = bench_quantile(us, n, 0.5);
        ratio[i] = b.rank == 0 ? mpi[i] / tcp[i] : 0.0;
    }
    bool good = bench_quantile(ratio, n_blocks, 0.5) <= BAR;
    if (b.rank == 0) {
        printf("ranks,tcp_us,mpi_us,ratio,least,greatest\n");
        printf("%d,%.1f,%.1f,%.3f,%.3f,%.3f\n", b.size,
               bench_quantile(tcp, n_blocks, 0.5),
               bench_quantile(mpi, n_blocks, 0.5),
               bench_quantile(ratio, n_blocks, 0.5), ratio[0],
               ratio[n_blocks - 1]);
    }
    free(us);
    close(r.to);
    close(r.from);
    return bench_end(&b, good);
}
