// #include <cooperative_groups/memcpy_async.h>: what it declares is always there,
// see ../../groups_algorithms.h.
#pragma once
