/* Preloaded into a PostgreSQL server: its disk has no room while somebody says so.

   What it writes below $DISK/data fails with ENOSPC while the file $DISK/full-data is there; what it writes to the
   write-ahead log, while $DISK/full-wal is; what it syncs of that, while $DISK/full-sync is (a disk that promised room
   it does not have says so only then). A byte in one of these files is room for one write more, or sync. Nothing else
   is synced: no test here pulls the plug. 64-bit Linux. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum act { WRITE, SYNC };

__attribute__((constructor)) static void leave_no_image_of_a_panic(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
}

static int room(const char *flag)
{
    struct stat left;
    int file = open(flag, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return 1;
    int some = fstat(file, &left) == 0 && left.st_size > 0 && ftruncate(file, left.st_size - 1) == 0;
    close(file);
    return some;
}

static int full(int file, enum act act)
{
    const char *disk = getenv("DISK");
    char link[64], path[4096], flag[4200], data[4200];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (disk == NULL || length < 0)
        return 0;
    path[length] = 0;
    int within = snprintf(data, sizeof data, "%s/data/", disk);
    if (strncmp(path, data, within) != 0)
        return 0;
    int wal = strncmp(path + within, "pg_wal/", 7) == 0;
    if (act == SYNC && !wal)
        return 0;
    snprintf(flag, sizeof flag, "%s/full-%s", disk, act == SYNC ? "sync" : wal ? "wal" : "data");
    return !room(flag);
}

#define UNLESS_FULL(file, call) (full(file, WRITE) ? (errno = ENOSPC, -1) : (call))

ssize_t write(int file, const void *bytes, size_t size)
{
    return UNLESS_FULL(file, syscall(SYS_write, file, bytes, size));
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    return UNLESS_FULL(file, syscall(SYS_pwrite64, file, bytes, size, offset));
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset)
{
    return UNLESS_FULL(file, syscall(SYS_pwritev, file, parts, count, offset, 0));
}

int fallocate(int file, int mode, off_t offset, off_t length)
{
    return UNLESS_FULL(file, syscall(SYS_fallocate, file, mode, offset, length));
}

int posix_fallocate(int file, off_t offset, off_t length) /* returns the error, as POSIX says */
{
    return fallocate(file, 0, offset, length) == 0 ? 0 : errno;
}

int fsync(int file)
{
    return full(file, SYNC) ? (errno = ENOSPC, -1) : 0;
}

int fdatasync(int file)
{
    return fsync(file);
}

ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));
