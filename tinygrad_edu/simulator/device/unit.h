// Used by the rewritten source of a module: registration of kernels, and variables in shared and device
// memory. It is the first header of every unit, and precompiled; device.h has the functions for users.
#pragma once
#include "device.h"

#if defined(__SANITIZE_THREAD__)
#define SIM_NOT_CHECKED __attribute__((noinline, no_sanitize("thread"), no_sanitize_coverage))
#else
#define SIM_NOT_CHECKED
#endif

// The checker and the profile must know the thread of each access, so they do not use loops.
#if defined(SIM_CHECK) || defined(SIM_PROFILE)
#define SIM_LOOPS 0
#else
#define SIM_LOOPS 1
#endif

namespace sim {

// --- kernels ---

constexpr unsigned align_up(unsigned offset, unsigned alignment) {
    return (offset + alignment - 1) / alignment * alignment;
}

// Each parameter is at the next multiple of its alignment, as in a struct; this is CUDA's layout.
template <class... Types>
struct parameters {
    static constexpr unsigned count = sizeof...(Types);
    struct table {
        sim_parameter of[count + 1];
    };
    static constexpr table make() {
        table result{{{unsigned(sizeof(Types)), unsigned(sizeof(Types)), unsigned(alignof(Types)),
                       std::is_pointer<Types>::value}...,
                      {0, 0, 1, 0}}};
        unsigned end = 0;
        for (unsigned i = 0; i < count; i++) {
            result.of[i].offset = align_up(end, result.of[i].alignment);
            end = result.of[i].offset + result.of[i].bytes;
        }
        result.of[count].offset = end;
        return result;
    }
    static constexpr table all = make();
    static constexpr unsigned bytes = all.of[count].offset;
    static_assert(bytes <= 32764,
                  "the parameters of a kernel take 32764 bytes at most: pass large data by pointer.");
};

template <class Type>
struct by_value {
    static_assert(!std::is_reference<Type>::value,
                  "a kernel cannot take a reference: the host's memory is out of its reach. Take a "
                  "pointer, or the value itself.");
    typedef std::remove_cv_t<Type> type;
};

template <class Type, Type function>
struct thunks;

template <class... Types, void (*function)(Types...)>
struct thunks<void (*)(Types...), function> {
    typedef parameters<typename by_value<Types>::type...> layout;

    template <unsigned index, class Type>
    static const Type& argument(const char* arguments) {
        return *reinterpret_cast<const Type*>(arguments + layout::all.of[index].offset);
    }

    template <unsigned... index>
    SIM_NOT_CHECKED static void call(const char* arguments, std::integer_sequence<unsigned, index...>) {
        function(argument<index, typename by_value<Types>::type>(arguments)...);
    }
    SIM_NOT_CHECKED static void enter(const char* arguments, unsigned x, unsigned y, unsigned z) {
        sim_set_thread(x, y, z);
        call(arguments, std::make_integer_sequence<unsigned, sizeof...(Types)>{});
    }

    // Runs all threads of a block, for a kernel in which no thread waits for another. ivdep: threads that
    // access the same memory without synchronisation have a race, so g++ may assume that there are none.
    static inline __attribute__((always_inline)) void run_all(Types... values) {
        const unsigned width = sim_block.block_size.x, height = sim_block.block_size.y,
                       depth = sim_block.block_size.z;
        if (width > 1024 || height > 1024 || depth > 64) __builtin_unreachable();
        for (unsigned z = 0; z < depth; z++)
            for (unsigned y = 0; y < height; y++)
#pragma GCC ivdep
                for (unsigned x = 0; x < width; x++) {
                    sim_set_thread(x, y, z);
                    function(values...);
                }
    }
    template <unsigned... index>
    static inline __attribute__((always_inline)) void spread(const char* arguments,
                                                             std::integer_sequence<unsigned, index...>) {
        run_all(argument<index, typename by_value<Types>::type>(arguments)...);
    }
    // flatten: g++ vectorises the loop only if the kernel and all functions that it calls are inlined.
    __attribute__((flatten)) static void loop(const char* arguments) {
        spread(arguments, std::make_integer_sequence<unsigned, sizeof...(Types)>{});
    }

    // The name of the function in the object file, which the assembler knows.
    static const char* symbol() {
#if defined(SIM_SEARCH)  // not optimised, g++ has no address for the assembler
        return nullptr;
#else
        const char* result;
        __asm__(
            "leaq 9f(%%rip), %0\n"
            ".pushsection .rodata.sim_names, \"a\"\n"
            "9: .asciz \"%c1\"\n"
            ".popsection"
            : "=r"(result)
            : "i"(function));
        return result;
#endif
    }
};

// The name of an instance of a template: "templated<float, 8>".
template <auto function>
const char* instance_name() {
    static char name[sizeof __PRETTY_FUNCTION__];
    const char* from = __builtin_strstr(__PRETTY_FUNCTION__, "function = ") + 11;
    __builtin_memcpy(name, from, __builtin_strlen(from) - 1);
    return name;
}

struct kernel_registration {
    kernel_registration(const char* symbol, sim_kernel& entry) {
        entry.symbol = symbol;
        sim_register_kernel(&entry);
    }
};

template <class Thunks, bool synchronises>
constexpr sim_kernel describe(const void* function, const char* name, const char* signature, sim_place place,
                              unsigned max_threads, const char* const* shared_users) {
    sim_kernel result{};
    result.name = name;
    result.signature = signature;
    result.place = place;
    result.function = function;
    result.enter = Thunks::enter;
    if constexpr (SIM_LOOPS && !synchronises) result.loop = Thunks::loop;
    result.reach = sim_reach;
    result.parameters = Thunks::layout::all.of;
    result.parameter_count = Thunks::layout::count;
    result.parameter_bytes = Thunks::layout::bytes;
    result.max_threads = max_threads;
    result.shared_users = shared_users;
    return result;
}

// --- shared memory ---

// One offset for each variable of each function, and of each instance of a template: the tag is a local class
// of the function. Only variables of functions that are compiled need space.
template <class Tag, class Type, unsigned alignment>
struct shared_slot {
    static const size_t offset;
};
template <class Tag, class Type, unsigned alignment>
const size_t shared_slot<Tag, Type, alignment>::offset =
    sim_register_shared(Tag::function(), Tag::name(), sizeof(Type), alignment, Tag::place());

constexpr unsigned larger(unsigned a, unsigned b) { return a > b ? a : b; }

template <class Tag, class Type, unsigned alignment = 1>
SIM_NOT_CHECKED inline Type* shared() {
    return reinterpret_cast<Type*>(sim_block.shared +
                                   shared_slot<Tag, Type, larger(alignment, alignof(Type))>::offset);
}

template <class Type>
SIM_NOT_CHECKED inline Type* dynamic_shared() {
    return reinterpret_cast<Type*>(sim_block.dynamic_shared);
}

// --- variables in device memory ---

template <class Type, unsigned alignment = 1>
Type& global(const char* kind, const char* name, const Type* initial, sim_place place) {
    return *reinterpret_cast<Type*>(sim_register_global(kind, name, (const void*)initial, sizeof(Type),
                                                        larger(alignment, alignof(Type)), place));
}
template <class Type, unsigned alignment = 1>
Type& global(const char* kind, const char* name, sim_place place) {
    if constexpr (std::is_trivially_default_constructible<Type>::value) {
        return global<Type, alignment>(kind, name, nullptr, place);
    } else {
        static const Type initial{};
        return global<Type, alignment>(kind, name, &initial, place);
    }
}

// `static int n;` in a device function: one variable for all threads. Its tag is a local class, whose name
// contains the function and the instance of a template.
template <class Tag>
void* register_static(size_t bytes, size_t alignment) {
    char name[1024];
    const char* from = __builtin_strstr(__PRETTY_FUNCTION__, "Tag = ") + 6;
    const sim_place place = Tag::place();
    snprintf(name, sizeof name, "%s, static on line %d of %s", Tag::name(), place.line, from);
    if (char* end = __builtin_strstr(name, "::sim_tag_")) *end = 0;
    return sim_register_global("__device__", name, (const void*)&Tag::initial(), bytes, alignment, place);
}
template <class Tag, class Type, unsigned alignment>
struct static_slot {
    static void* const where;
};
template <class Tag, class Type, unsigned alignment>
void* const static_slot<Tag, Type, alignment>::where = register_static<Tag>(sizeof(Type), alignment);

template <class Tag, class Type, unsigned alignment = 1>
SIM_NOT_CHECKED inline Type* static_variable() {
    return static_cast<Type*>(static_slot<Tag, Type, larger(alignment, alignof(Type))>::where);
}

}  // namespace sim
