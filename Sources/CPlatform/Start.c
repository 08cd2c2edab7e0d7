#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int arguments;

/*
 * Runs before main and before other constructors of the program: once anything has been opened, a closed standard
 * descriptor may be a socket, an epoll descriptor or the database, and what is printed goes there.
 *
 * open(2) takes the lowest number that is free, so it takes exactly the one that was found closed.
 */
__attribute__((constructor(101))) static void start(int count, char **words) {
    for (int descriptor = 0; descriptor <= 2; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != descriptor) break;
    }
    /* Linux 5.18 and later hand a program that is started without any arguments one that is empty. */
    arguments = count == 1 && words[0] && !words[0][0] ? 0 : count;
}

int beanrow_argument_count(void) {
    return arguments;
}
