// Checks files from a disk for damage; seal.py does the same for Python's files in the cache.
#include "seal.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace sim {

namespace {

struct Seal {
    char magic[8];
    uint64_t length;
    uint32_t checksum;
} __attribute__((packed));

constexpr char MAGIC[8] = {'T', 'G', 'E', 'S', 'E', 'A', 'L', '1'};

}  // namespace

__attribute__((optimize("O3"))) uint32_t checksum(const char* data, size_t bytes) {
    constexpr uint64_t prime = 65521;
    constexpr size_t step = 256;
    uint64_t a = 1, b = 0;
    while (bytes > 0) {
        const size_t now = std::min(bytes, step);
        uint32_t sum = 0, weighted = 0;  // in this form g++ adds many bytes at once
        for (uint32_t i = 0; i < now; i++) {
            const uint32_t byte = static_cast<unsigned char>(data[i]);
            sum += byte;
            weighted += byte * static_cast<uint32_t>(now - i);
        }
        b = (b + a * now + weighted) % prime;
        a = (a + sum) % prime;
        data += now;
        bytes -= now;
    }
    return static_cast<uint32_t>(b << 16 | a);
}

std::string sealed(const std::string& content) {
    Seal seal{};
    memcpy(seal.magic, MAGIC, sizeof MAGIC);
    seal.length = content.size();
    seal.checksum = checksum(content.data(), content.size());
    return content + std::string(reinterpret_cast<const char*>(&seal), sizeof seal);
}

bool unseal(std::string* content) {
    Seal seal{};
    if (content->size() < sizeof seal) return false;
    const size_t length = content->size() - sizeof seal;
    memcpy(&seal, content->data() + length, sizeof seal);
    if (memcmp(seal.magic, MAGIC, sizeof MAGIC) != 0 || seal.length != length ||
        seal.checksum != checksum(content->data(), length))
        return false;
    content->resize(length);
    return true;
}

bool is_readable(const void* data, size_t bytes) {
    constexpr size_t most = size_t{1} << 32;  // no module has so many bytes
    constexpr size_t batch = 512;             // pages that are asked for at a time
    const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const uintptr_t first = reinterpret_cast<uintptr_t>(data) / page * page;
    const uintptr_t end = reinterpret_cast<uintptr_t>(data) + bytes;
    if (bytes > most || end < first) return false;
    // Mapped memory need not be readable: the simulator reserves terabytes without access.
    if (msync(reinterpret_cast<void*>(first), end - first, MS_ASYNC) != 0) return false;
    char bytes_read[batch];
    iovec pages[batch];
    for (uintptr_t at = first; at < end;) {
        size_t count = 0;
        for (; count < batch && at < end; at += page) pages[count++] = {reinterpret_cast<void*>(at), 1};
        const iovec here{bytes_read, count};
        const ssize_t found = process_vm_readv(getpid(), &here, 1, pages, count, 0);
        if (found < 0 && (errno == ENOSYS || errno == EPERM)) return true;  // forbidden here: msync must do
        if (found != static_cast<ssize_t>(count)) return false;
    }
    return true;
}

}  // namespace sim
