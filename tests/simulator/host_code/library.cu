#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cerrno>
#include <cctype>
#include <cassert>
#include <csetjmp>
#include <csignal>
#include <typeinfo>
#include <cstdarg>
#include <unistd.h>
#include <new>

// clang-format off: a kernel a line
ACCEPTED(free) { free(x); }
ACCEPTED(malloc) { int* p = (int*)malloc(4); *p = 1; x[0] = *p; free(p); }
ACCEPTED(clock) { x[0] = clock(); }
ACCEPTED(strlen) { x[0] = strlen("abc"); }
ACCEPTED(memcpy) { memcpy(x, x + 1, 4); }
ACCEPTED(memset) { memset(x, 0, 4); }
ACCEPTED(abs) { x[0] = abs(x[1]); }
ACCEPTED(labs) { x[0] = labs(x[1]); }
ACCEPTED(new) { int* p = new int; x[0] = *p; delete p; }
ACCEPTED(newarr) { int* p = new int[4]; x[0] = *p; delete[] p; }
ACCEPTED(placement) { new (x) int(3); }
ACCEPTED(alloca) { int* p = (int*)alloca(40); x[0] = p[0]; }
ACCEPTED(builtin_alloca) { int* p = (int*)__builtin_alloca(40); x[0] = p[0]; }
ACCEPTED(assert) { assert(x[0]); }
ACCEPTED(printf) { printf("x %d", 3); }
ACCEPTED(unreachable) { if (x[0]) __builtin_unreachable(); }
ACCEPTED(popcb) { x[0] = __builtin_popcount(x[1]); }
ACCEPTED(strlenb) { x[0] = __builtin_strlen("abc"); }
ACCEPTED(deadce) { if constexpr (false) system("x"); }
ACCEPTED(deadce2) { if constexpr (sizeof(int) == 8) system("x"); }
ACCEPTED(sizeof) { x[0] = sizeof(system("x")); }
ACCEPTED(decltype) { decltype(system("x")) a = 3; x[0] = a; }
ACCEPTED(noexc) { x[0] = noexcept(system("x")); }
REFUSED(sys) { system("x"); }
REFUSED(fopen) { fopen("a", "r"); }
REFUSED(fprintf) { fprintf(stderr, "x"); }
REFUSED(puts) { puts("x"); }
REFUSED(sprintf) { char b[9]; sprintf(b, "x"); x[0] = b[0]; }
REFUSED(snprintf) { char b[9]; snprintf(b, 9, "x"); x[0] = b[0]; }
REFUSED(getenv) { x[0] = getenv("a") != 0; }
REFUSED(calloc) { int* p = (int*)calloc(1, 4); x[0] = *p; }
REFUSED(realloc) { int* p = (int*)realloc(0, 4); x[0] = *p; }
REFUSED(exit) { exit(1); }
REFUSED(abort) { abort(); }
REFUSED(time) { x[0] = time(0); }
REFUSED(rand) { x[0] = rand(); }
REFUSED(srand) { srand(1); }
REFUSED(strcpy) { char b[9]; strcpy(b, "x"); x[0] = b[0]; }
REFUSED(strcmp) { x[0] = strcmp("a", "b"); }
REFUSED(memmove) { memmove(x, x + 1, 4); }
REFUSED(memcmp) { x[0] = memcmp(x, x + 1, 4); }
REFUSED(errno) { x[0] = errno; }
REFUSED(stdout) { fflush(stdout); }
REFUSED(putchar) { putchar(65); }
REFUSED(qsort) { qsort(x, 3, 4, 0); }
REFUSED(atoi) { x[0] = atoi("3"); }
REFUSED(strtol) { x[0] = strtol("3", 0, 10); }
REFUSED(div) { x[0] = div(x[1], 2).quot; }
REFUSED(isalpha) { x[0] = isalpha(x[1]); }
REFUSED(toupper) { x[0] = toupper(x[1]); }
REFUSED(typeid) { x[0] = typeid(int) == typeid(float); }
REFUSED(vprintf) { vprintf("x", 0); }
REFUSED(scanf) { scanf("%d", x); }
REFUSED(setjmp) { jmp_buf b; x[0] = setjmp(b); }
REFUSED(signal) { raise(2); }
REFUSED(sleep) { sleep(1); }
REFUSED(getpid) { x[0] = getpid(); }
REFUSED(write) { write(1, "x", 1); }
REFUSED(raise) { x[0] = 1; __builtin_trap(); }
REFUSED(dead) { if (0) system("x"); }
REFUSED(addr) { int (*f)(const char*) = system; x[0] = f != 0; }
REFUSED(addrcall) { int (*f)(const char*) = system; x[0] = f("x"); }
