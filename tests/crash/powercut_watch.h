/* The end of powercut.c: what is only watched. Nothing of ours does it to the files of the directory; if something
 * should begin to, the trace says so, and what is concluded from it would be wrong. */

static int watched_fcntl(int fd, int command, void *argument) {
    ready();
    if (file_of(fd) && (command == F_DUPFD || command == F_DUPFD_CLOEXEC)) unknown("fcntl(F_DUPFD)");
    return real_fcntl(fd, command, argument);
}

#define FCNTL_BODY                   \
    va_list rest;                    \
    void *argument;                  \
    va_start(rest, command);         \
    argument = va_arg(rest, void *); \
    va_end(rest);                    \
    return watched_fcntl(fd, command, argument);

int fcntl(int fd, int command, ...) { FCNTL_BODY }
int fcntl64(int fd, int command, ...) { FCNTL_BODY }

void *mmap(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    ready();
    if (file_of(fd) && (flags & MAP_SHARED) && (protection & PROT_WRITE)) unknown("mmap");
    return real_mmap(where, length, protection, flags, fd, offset);
}

void *mmap64(void *where, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap(where, length, protection, flags, fd, offset);
}

#define WATCH_DESCRIPTOR(type, name, declared, passed, fd)           \
    type name declared {                                             \
        static type(*real) declared;                                 \
        ready();                                                     \
        if (file_of(fd)) unknown(#name);                             \
        if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name); \
        return real passed;                                          \
    }

WATCH_DESCRIPTOR(int, dup, (int fd), (fd), fd)
WATCH_DESCRIPTOR(int, dup2, (int fd, int to), (fd, to), fd)
WATCH_DESCRIPTOR(int, dup3, (int fd, int to, int flags), (fd, to, flags), fd)
WATCH_DESCRIPTOR(ssize_t, writev, (int fd, const struct iovec *parts, int number), (fd, parts, number), fd)
WATCH_DESCRIPTOR(ssize_t, pwritev, (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at), fd)
WATCH_DESCRIPTOR(ssize_t, pwritev64, (int fd, const struct iovec *parts, int n, off_t at), (fd, parts, n, at), fd)
WATCH_DESCRIPTOR(int, fallocate, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), fd)
WATCH_DESCRIPTOR(int, fallocate64, (int fd, int mode, off_t at, off_t length), (fd, mode, at, length), fd)
WATCH_DESCRIPTOR(int, posix_fallocate, (int fd, off_t at, off_t length), (fd, at, length), fd)
WATCH_DESCRIPTOR(int, posix_fallocate64, (int fd, off_t at, off_t length), (fd, at, length), fd)
WATCH_DESCRIPTOR(ssize_t, sendfile, (int fd, int from, off_t *at, size_t length), (fd, from, at, length), fd)
WATCH_DESCRIPTOR(ssize_t, sendfile64, (int fd, int from, off_t *at, size_t length), (fd, from, at, length), fd)
WATCH_DESCRIPTOR(ssize_t, copy_file_range, (int from, off_t *at, int fd, off_t *to, size_t length, unsigned flags),
                 (from, at, fd, to, length, flags), fd)

#define WATCH_PATHS(name, declared, passed, first, second)           \
    int name declared {                                              \
        static int(*real) declared;                                  \
        char buffer[PATH_MAX];                                       \
        ready();                                                     \
        if (name_of(AT_FDCWD, first, buffer)) unknown(#name);        \
        else if (name_of(AT_FDCWD, second, buffer)) unknown(#name);  \
        if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, #name); \
        return real passed;                                          \
    }

WATCH_PATHS(renameat, (int at, const char *old, int to, const char *new), (at, old, to, new), old, new)
WATCH_PATHS(renameat2, (int at, const char *old, int to, const char *new, unsigned flags), (at, old, to, new, flags),
            old, new)
WATCH_PATHS(link, (const char *old, const char *new), (old, new), old, new)
WATCH_PATHS(linkat, (int at, const char *old, int to, const char *new, int flags), (at, old, to, new, flags), old, new)
WATCH_PATHS(symlink, (const char *old, const char *new), (old, new), old, new)
WATCH_PATHS(truncate, (const char *path, off_t size), (path, size), path, NULL)
WATCH_PATHS(truncate64, (const char *path, off_t size), (path, size), path, NULL)
WATCH_PATHS(rmdir, (const char *path), (path), path, NULL)
