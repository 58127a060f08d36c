// #include <cooperative_groups.h>: what it declares is always there, see ../groups.h.
#pragma once
