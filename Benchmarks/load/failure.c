#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *what) {
    if (errno) perror(what);
    else fprintf(stderr, "beanload: %s\n", what);
    exit(2);
}

void *checked(void *allocated) {
    if (!allocated) die("out of memory");
    return allocated;
}
