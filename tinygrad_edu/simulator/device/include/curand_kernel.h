// Not part of the simulator; found here so that the error says so.
#pragma once
// clang-format off: the text goes on in a second line
#error "cuRAND is not part of the simulator of tinygrad_edu. \
Instead of it use a counter-based generator such as a hash of the thread's index."
