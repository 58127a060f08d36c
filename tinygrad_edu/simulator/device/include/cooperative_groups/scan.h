// #include <cooperative_groups/scan.h>: what it declares is always there, see ../../groups_algorithms.h.
#pragma once
