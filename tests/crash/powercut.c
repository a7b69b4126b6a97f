/* Writes down, in order, all that a process does to the files of one directory: what is written, where, what is synced;
 * and lets the disk fail on demand.
 *
 * Loaded by LD_PRELOAD. From the trace tests/crash/disk_model.py makes what a disk may hold after a power cut at any
 * moment.
 *
 *   POWERCUT_DIRECTORY  the directory, as realpath() names it; all below it is traced, but for files named *-shm, which
 *                       SQLite maps into memory and makes anew
 *   POWERCUT_TRACE      the file to which the trace is appended
 *   POWERCUT_AT         optional: instead of the operation with this number, from 1 on, the process kills itself
 *   POWERCUT_FAULT      optional: a file that is looked at before each operation. While it is there it says what fails,
 *                       w for all that writes, o for opening a file for that, s for syncs, and with which error: "28 w"
 *
 * A sync is two records: what was written before the first is durable when the second is there. So a sync that the
 * process did not live to see the end of counts for nothing. Whatever would change a file behind the trace's back is
 * written down as UNKNOWN, and the test fails.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE, TRUNCATE, SYNC_BEGIN, SYNC_END, SYNC_FAILED, UNLINK, RENAME, MKDIR, UNKNOWN };

struct record {
    uint32_t magic, kind;
    uint64_t file;           /* the inode */
    uint64_t offset;         /* where it was written; the size; of OPEN whether it was made; of a sync its number */
    uint32_t names, length;  /* bytes that follow: of names, relative to the directory and separated by NUL; of data */
};

#define MAGIC 0x43575031u
#define FILES 65536

static uint64_t traced[FILES]; /* by descriptor: the inode, or 0. Guarded, as the trace is, by the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char directory[PATH_MAX];
static size_t directory_length; /* 0: nothing is traced */
static int trace = -1;
static const char *fault;
static uint64_t operations, last_operation, syncs;

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_rename)(const char *, const char *);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_fcntl)(int, int, ...);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);

static void start(void) {
    /* A process whose threads are in a call of these while it is started anew does not exist: exec() ends them. */
    const char *where = getenv("POWERCUT_DIRECTORY"), *file = getenv("POWERCUT_TRACE"), *at = getenv("POWERCUT_AT");
    *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
    *(void **)&real_openat = dlsym(RTLD_NEXT, "openat64");
    *(void **)&real_close = dlsym(RTLD_NEXT, "close");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_writev = dlsym(RTLD_NEXT, "writev");
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    *(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    *(void **)&real_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    *(void **)&real_rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&real_mkdir = dlsym(RTLD_NEXT, "mkdir");
    *(void **)&real_fcntl = dlsym(RTLD_NEXT, "fcntl64");
    *(void **)&real_mmap = dlsym(RTLD_NEXT, "mmap64");
    if (where == NULL || file == NULL || strlen(where) >= sizeof directory) return;
    trace = real_open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) {
        perror(file);
        _exit(99);
    }
    fault = getenv("POWERCUT_FAULT");
    strcpy(directory, where);
    directory_length = strlen(where);
    last_operation = at == NULL ? 0 : strtoull(at, NULL, 10);
}

static void ready(void) { pthread_once(&once, start); }

static uint64_t file_of(int fd) { return fd >= 0 && fd < FILES ? traced[fd] : 0; }

/* To be called with the lock, before each operation that is traced. Whether it is to go on; else errno is set. */
static int begin(char kind) {
    char text[16] = "";
    int fd, error = 0;
    if (++operations == last_operation) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    if (fault == NULL || (fd = real_open(fault, O_RDONLY | O_CLOEXEC)) < 0) return 1;
    if (read(fd, text, sizeof text - 1) > 0) sscanf(text, "%d", &error);
    real_close(fd);
    if (error == 0 || strchr(text, kind) == NULL) return 1;
    errno = error;
    return 0;
}

static void put(uint32_t kind, uint64_t file, uint64_t offset, const char *names, size_t names_length, const void *data,
                size_t length) {
    struct record record = {MAGIC, kind, file, offset, (uint32_t)names_length, (uint32_t)length};
    struct iovec parts[] = {{&record, sizeof record}, {(void *)names, names_length}, {(void *)data, length}};
    if (real_writev(trace, parts, 3) != (ssize_t)(sizeof record + names_length + length)) {
        perror("powercut: the trace");
        _exit(99);
    }
}

static void unknown(const char *what) {
    pthread_mutex_lock(&lock);
    put(UNKNOWN, 0, 0, what, strlen(what), NULL, 0);
    pthread_mutex_unlock(&lock);
}

/* The name below the directory, in `buffer` or a literal, or NULL if it is not one that is traced. */
static const char *name_of(int at, const char *path, char *buffer) {
    size_t length;
    if (directory_length == 0 || path == NULL) return NULL;
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return NULL;
        strcpy(buffer, path);
    } else {
        char link[64];
        ssize_t used;
        snprintf(link, sizeof link, at == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at);
        used = readlink(link, buffer, PATH_MAX - 1);
        if (used < 0 || used + 1 + strlen(path) >= PATH_MAX) return NULL;
        buffer[used] = '/';
        strcpy(buffer + used + 1, path);
    }
    if (strncmp(buffer, directory, directory_length) != 0) return NULL;
    if (buffer[directory_length] == '\0') return "";
    if (buffer[directory_length] != '/') return NULL;
    length = strlen(buffer);
    if (length >= 4 && strcmp(buffer + length - 4, "-shm") == 0) return NULL;
    return buffer + directory_length + 1;
}

/* Sockets and the like hold nothing. */
static int is_file(int at, const char *path) {
    struct stat found;
    return fstatat(at, path, &found, AT_SYMLINK_NOFOLLOW) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode));
}

static int open_at(int at, const char *path, int flags, mode_t mode) {
    char buffer[PATH_MAX];
    const char *name;
    struct stat found;
    int fd, made = 0;
    ready();
    name = name_of(at, path, buffer);
    if (name == NULL) {
        fd = real_openat(at, path, flags, mode);
        if (fd >= 0 && fd < FILES && directory_length > 0) {
            pthread_mutex_lock(&lock);
            traced[fd] = 0;
            pthread_mutex_unlock(&lock);
        }
        return fd;
    }
    pthread_mutex_lock(&lock);
    if (flags & O_CREAT) made = fstatat(at, path, &found, 0) != 0;
    if ((made || (flags & (O_TRUNC | O_WRONLY | O_RDWR))) && !begin(made || (flags & O_TRUNC) ? 'w' : 'o')) {
        pthread_mutex_unlock(&lock);
        return -1;
    }
    fd = real_openat(at, path, flags, mode);
    if (fd >= FILES) {
        put(UNKNOWN, 0, 0, "descriptor", 10, NULL, 0);
    } else if (fd >= 0) {
        int saved = errno;
        traced[fd] = 0;
        if (fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))) {
            traced[fd] = found.st_ino;
            put(OPEN, found.st_ino, (uint64_t)made, name, strlen(name), NULL, 0);
            if (flags & O_TRUNC) put(TRUNCATE, found.st_ino, 0, NULL, 0, NULL, 0);
        }
        errno = saved;
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN_BODY(at)                                \
    mode_t mode = 0;                                 \
    if (flags & (O_CREAT | __O_TMPFILE)) {           \
        va_list rest;                                \
        va_start(rest, flags);                       \
        mode = (mode_t)va_arg(rest, int);            \
        va_end(rest);                                \
    }                                                \
    return open_at(at, path, flags, mode);

int open(const char *path, int flags, ...) { OPEN_BODY(AT_FDCWD) }
int open64(const char *path, int flags, ...) { OPEN_BODY(AT_FDCWD) }
int openat(int at, const char *path, int flags, ...) { OPEN_BODY(at) }
int openat64(int at, const char *path, int flags, ...) { OPEN_BODY(at) }
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    ready();
    if (file_of(fd)) {
        pthread_mutex_lock(&lock);
        traced[fd] = 0;
        pthread_mutex_unlock(&lock);
    }
    return real_close(fd);
}

static ssize_t write_at(int fd, const void *data, size_t length, off_t offset) {
    ssize_t done = -1;
    pthread_mutex_lock(&lock);
    if (begin('w')) done = offset < 0 ? real_write(fd, data, length) : real_pwrite(fd, data, length, offset);
    if (done > 0) {
        uint64_t where = (uint64_t)(offset < 0 ? lseek(fd, 0, SEEK_CUR) - done : offset);
        put(WRITE, file_of(fd), where, NULL, 0, data, (size_t)done);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    ready();
    return file_of(fd) ? write_at(fd, data, length, -1) : real_write(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    ready();
    return file_of(fd) ? write_at(fd, data, length, offset) : real_pwrite(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }

int ftruncate(int fd, off_t size) {
    int done = -1;
    ready();
    if (!file_of(fd)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    if (begin('w')) done = real_ftruncate(fd, size);
    if (done == 0) put(TRUNCATE, file_of(fd), (uint64_t)size, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

static int synced(int fd, int (*sync)(int)) {
    uint64_t file, number;
    int works, done = -1, error;
    pthread_mutex_lock(&lock);
    works = begin('s');
    error = errno;
    file = file_of(fd);
    number = ++syncs;
    put(SYNC_BEGIN, file, number, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    if (works) {
        done = sync(fd);
        error = errno;
    }
    pthread_mutex_lock(&lock);
    begin(' ');
    put(done == 0 ? SYNC_END : SYNC_FAILED, file, number, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd) {
    ready();
    return file_of(fd) ? synced(fd, real_fsync) : real_fsync(fd);
}

int fdatasync(int fd) {
    ready();
    return file_of(fd) ? synced(fd, real_fdatasync) : real_fdatasync(fd);
}

int unlinkat(int at, const char *path, int flags) {
    char buffer[PATH_MAX];
    const char *name;
    int done = -1;
    ready();
    name = name_of(at, path, buffer);
    if (name == NULL || !is_file(at, path)) return real_unlinkat(at, path, flags);
    pthread_mutex_lock(&lock);
    if (begin('w')) done = real_unlinkat(at, path, flags);
    if (done == 0) put(UNLINK, 0, 0, name, strlen(name), NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int rename(const char *old, const char *new) {
    char buffer[PATH_MAX], other[PATH_MAX], names[2 * PATH_MAX];
    const char *from, *to;
    int done = -1;
    ready();
    from = name_of(AT_FDCWD, old, buffer);
    to = name_of(AT_FDCWD, new, other);
    if (from == NULL && to == NULL) return real_rename(old, new);
    if (from == NULL || to == NULL) {
        unknown("rename out of the directory, or into it");
        return real_rename(old, new);
    }
    pthread_mutex_lock(&lock);
    if (begin('w')) done = real_rename(old, new);
    if (done == 0) {
        size_t length = strlen(from);
        strcpy(names, from);
        strcpy(names + length + 1, to);
        put(RENAME, 0, 0, names, length + 1 + strlen(to), NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int mkdir(const char *path, mode_t mode) {
    char buffer[PATH_MAX];
    const char *name;
    int done = -1;
    ready();
    name = name_of(AT_FDCWD, path, buffer);
    if (name == NULL) return real_mkdir(path, mode);
    pthread_mutex_lock(&lock);
    if (begin('w')) done = real_mkdir(path, mode);
    if (done == 0) put(MKDIR, 0, 0, name, strlen(name), NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

#include "powercut_watch.h"
