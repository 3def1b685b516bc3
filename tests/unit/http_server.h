/*
 * A small HTTP server on 127.0.0.1 for the tests of fetch: a child process that
 * serves the MNIST files and misbehaves by the first part of the path.
 *
 *   /good/NAME      the file             /cut/NAME    half of it, length promised
 *   /redirect/NAME  302 to /tests/       /short/NAME  half, no length promised
 *   /tests/NAME     the same, test set    /hangup/     closes at once
 *                   files only
 *   /wrong/NAME     the labels' file     /page/NAME   200 and a page of HTML
 *   anything else   404
 */
#ifndef PTA_TESTS_HTTP_SERVER_H
#define PTA_TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct http_server {
    pid_t child;
    int port;
} http_server;

static inline size_t http_load(const char *name, char *bytes, size_t room)
{
    static const char *const folders[] = {PTA_SOURCE_DIR "/datasets/mnist",
                                          PTA_SOURCE_DIR
                                          "/../shared/datasets/mnist"};
    for (int i = 0; i < 2; i++) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", folders[i], name);
        FILE *file = fopen(path, "rb");
        if (file != NULL) {
            size_t n = fread(bytes, 1, room, file);
            (void)fclose(file);
            return n;
        }
    }
    return 0;
}

static inline void http_send(int to, const char *bytes, size_t n)
{
    for (ssize_t sent = 1; n > 0 && sent > 0; n -= (size_t)sent) {
        sent = send(to, bytes, n, MSG_NOSIGNAL);
        bytes += sent;
        if (sent < 0) {
            break;
        }
    }
}

static inline int http_serves(const char *kind, const char *name)
{
    return strcmp(kind, "good") == 0 || strcmp(kind, "wrong") == 0 ||
           (strcmp(kind, "tests") == 0 && strncmp(name, "t10k", 4) == 0);
}

static inline void http_answer(int to, const char *kind, const char *name)
{
    enum { ROOM = 12 << 20 };
    static char bytes[ROOM];
    char head[512];
    size_t n = http_load(
        strcmp(kind, "wrong") == 0 ? "t10k-labels-idx1-ubyte.gz" : name, bytes,
        ROOM);
    size_t promised = n;
    const char *line = "200 OK";
    if (strcmp(kind, "page") == 0) {
        n = promised = (size_t)snprintf(bytes, ROOM, "<html>Log in</html>\n");
    } else if (strcmp(kind, "redirect") == 0) {
        (void)snprintf(head, sizeof head,
                       "HTTP/1.0 302 Found\r\nLocation: /tests/%s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       name);
        http_send(to, head, strlen(head));
        return;
    } else if (strcmp(kind, "hangup") == 0) {
        return;
    } else if (strcmp(kind, "cut") == 0 || strcmp(kind, "short") == 0) {
        n /= 2;
    } else if (!http_serves(kind, name) || n == 0) {
        line = "404 Not Found";
        n = promised = 0;
    }
    (void)snprintf(head, sizeof head, "HTTP/1.0 %s\r\n", line);
    http_send(to, head, strlen(head));
    if (strcmp(kind, "short") != 0) {
        (void)snprintf(head, sizeof head, "Content-Length: %zu\r\n", promised);
        http_send(to, head, strlen(head));
    }
    http_send(to, "\r\n", 2);
    http_send(to, bytes, n);
}

static inline void http_serve(int listening)
{
    for (;;) {
        char request[4096] = "", kind[64] = "", name[256] = "";
        int to = accept(listening, NULL, NULL);
        size_t used = 0;
        while (to >= 0 && strstr(request, "\r\n\r\n") == NULL &&
               used < sizeof request - 1) {
            ssize_t n = recv(to, request + used, sizeof request - 1 - used, 0);
            if (n <= 0) {
                break;
            }
            used += (size_t)n;
        }
        (void)sscanf(request, "GET /%63[^/]/%255[^ ]", kind, name);
        http_answer(to, kind, name);
        (void)close(to);
    }
}

/** Starts the child, which ends by itself after two minutes. */
static inline http_server http_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    if (listening < 0 ||
        bind(listening, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listening, 8) != 0 ||
        getsockname(listening, (struct sockaddr *)&at, &length) != 0) {
        perror("http server");
        exit(1);
    }
    (void)fflush(NULL);
    http_server server = {fork(), ntohs(at.sin_port)};
    if (server.child == 0) {
        (void)alarm(120);
        http_serve(listening);
    }
    (void)close(listening);
    return server;
}

static inline void http_stop(const http_server *server)
{
    if (server->child > 0) {
        (void)kill(server->child, SIGKILL);
        (void)waitpid(server->child, NULL, 0);
    }
}

#endif
