// The classes of a 16-bit floating type and of its pair, with conversions and operators as in CUDA: a mixed
// expression (half + float) is ambiguous here if it is in nvcc. Included once for each type.
struct SIM_RAW {
    unsigned short x;
};
struct alignas(4) SIM_RAW2 {
    unsigned short x, y;
};

struct alignas(2) SIM_TYPE {
protected:
    unsigned short __x;

public:
    SIM_TYPE() = default;
    SIM_AT_CALLER constexpr SIM_TYPE(const SIM_RAW& raw) : __x(raw.x) {}
    SIM_AT_CALLER SIM_TYPE& operator=(const SIM_RAW& raw) {
        __x = raw.x;
        return *this;
    }
    SIM_AT_CALLER volatile SIM_TYPE& operator=(const SIM_RAW& raw) volatile {
        __x = raw.x;
        return *this;
    }
    SIM_AT_CALLER volatile SIM_TYPE& operator=(const volatile SIM_RAW& raw) volatile {
        __x = raw.x;
        return *this;
    }
    SIM_AT_CALLER constexpr operator SIM_RAW() const { return SIM_RAW{__x}; }
    SIM_AT_CALLER operator SIM_RAW() const volatile { return SIM_RAW{__x}; }

    explicit SIM_TYPE(SIM_OTHER f);
    SIM_AT_CALLER SIM_TYPE(float f) : __x(sim::narrow<SIM_FORMAT>(f)) {}
    SIM_AT_CALLER SIM_TYPE(double f) : __x(sim::narrow<SIM_FORMAT>(f)) {}
    SIM_AT_CALLER operator float() const { return SIM_FORMAT::value(__x); }
    SIM_AT_CALLER SIM_TYPE& operator=(float f) { return *this = SIM_TYPE(f); }
    SIM_AT_CALLER SIM_TYPE& operator=(double f) { return *this = SIM_TYPE(f); }

#define SIM_FROM(Integer)                                                              \
    SIM_AT_CALLER SIM_TYPE(Integer i) : __x(sim::narrow<SIM_FORMAT>(sim::exact(i))) {} \
    SIM_AT_CALLER SIM_TYPE& operator=(Integer i) { return *this = SIM_TYPE(i); }
    SIM_FROM(short)
    SIM_FROM(unsigned short)
    SIM_FROM(int)
    SIM_FROM(unsigned)
    SIM_FROM(long)
    SIM_FROM(unsigned long)
    SIM_FROM(long long)
    SIM_FROM(unsigned long long)
#undef SIM_FROM
#define SIM_TO(Integer)                                                               \
    SIM_AT_CALLER operator Integer() const {                                          \
        return sim::to_integer<Integer, sim::Rounding::zero>(SIM_FORMAT::value(__x)); \
    }
    SIM_TO(signed char)
    SIM_TO(unsigned char)
    SIM_TO(char)
    SIM_TO(short)
    SIM_TO(unsigned short)
    SIM_TO(int)
    SIM_TO(unsigned)
    SIM_TO(long)
    SIM_TO(unsigned long)
    SIM_TO(long long)
    SIM_TO(unsigned long long)
#undef SIM_TO
    SIM_AT_CALLER constexpr operator bool() const { return (__x & 0x7FFF) != 0; }
};

struct alignas(4) SIM_TYPE2 {
    SIM_TYPE x, y;
    SIM_TYPE2() = default;
    SIM_AT_CALLER constexpr SIM_TYPE2(const SIM_TYPE& a, const SIM_TYPE& b) : x(a), y(b) {}
    SIM_AT_CALLER SIM_TYPE2(const SIM_RAW2& raw) : x(SIM_RAW{raw.x}), y(SIM_RAW{raw.y}) {}
    SIM_AT_CALLER SIM_TYPE2& operator=(const SIM_RAW2& raw) { return *this = SIM_TYPE2(raw); }
    SIM_AT_CALLER operator SIM_RAW2() const { return SIM_RAW2{SIM_RAW(x).x, SIM_RAW(y).x}; }
};
