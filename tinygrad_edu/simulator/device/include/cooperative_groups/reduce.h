// #include <cooperative_groups/reduce.h>: what it declares is always there, see ../../groups_algorithms.h.
#pragma once
