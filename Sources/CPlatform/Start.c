#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int arguments;

/*
 * Runs before main and before other constructors of the program. Otherwise the first file that is opened would get the
 * number of a closed standard descriptor. That could be a socket, an epoll descriptor or the database, and printed text
 * would go there.
 *
 * open(2) takes the lowest free number, so it takes exactly the one that was found closed.
 */
__attribute__((constructor(101))) static void start(int count, char **words) {
    for (int descriptor = 0; descriptor <= 2; descriptor++) {
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != descriptor) break;
    }
    /* Linux 5.18 and later pass one empty argument to a program that is started without any. */
    arguments = count == 1 && words[0] && !words[0][0] ? 0 : count;
}

int beanrow_argument_count(void) {
    return arguments;
}
