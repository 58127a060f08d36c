// Checks files from a disk for damage.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace sim {

// Adler-32, as zlib has it.
uint32_t checksum(const char* data, size_t bytes);

// `content` with its length and checksum at the end; and the reverse, which is false if the content has
// changed.
std::string sealed(const std::string& content);
bool unseal(std::string* content);

// Whether all of [data, data + bytes) can be read.
bool is_readable(const void* data, size_t bytes);

}  // namespace sim
