/* Keys to 64-bit words: as `windtunnel.blocks.ground.hashing.stable_hash`, which is XXH3 in 64 bits with seed 0.
 *
 * Constants and steps are those of `windtunnel.blocks.ground.kernels.hashing`, function for function.
 */
#define PRIME32_1 0x9E3779B1u
#define PRIME32_2 0x85EBCA77u
#define PRIME32_3 0xC2B2AE3Du
#define PRIME64_1 0x9E3779B185EBCA87ull
#define PRIME64_2 0xC2B2AE3D27D4EB4Full
#define PRIME64_3 0x165667B19E3779F9ull
#define PRIME64_4 0x85EBCA77C2B2AE63ull
#define PRIME64_5 0x27D4EB2F165667C5ull
#define PRIME_MX1 0x165667919E3779F9ull
#define PRIME_MX2 0x9FB21C651E98DF25ull
#define MULTIPLIER 6364136223846793005ull /* as windtunnel.blocks.ground.hashing.MULTIPLIER */

static const unsigned char SECRET[192] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
};

static PyObject *stable_hash; /* of the text, for keys that are not plain, and for every refusal */

static inline uint64_t read_64(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static inline uint64_t read_32(const unsigned char *at) {
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
}

static inline uint64_t rotate_left(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

/* The upper half of a product: a word scaled to a size. */
static inline uint64_t high_product(uint64_t a, uint64_t b) { return (uint64_t)(((unsigned __int128)a * b) >> 64); }

static inline uint64_t folded_product(uint64_t a, uint64_t b) { return a * b ^ high_product(a, b); }

static inline uint64_t avalanche(uint64_t h) {
    h = (h ^ (h >> 37)) * PRIME_MX1;
    return h ^ (h >> 32);
}

static inline uint64_t avalanche_short(uint64_t h) {
    h = (h ^ (h >> 33)) * PRIME64_2;
    h = (h ^ (h >> 29)) * PRIME64_3;
    return h ^ (h >> 32);
}

static inline uint64_t strong_mix(uint64_t keyed, uint64_t length) {
    keyed ^= rotate_left(keyed, 49) ^ rotate_left(keyed, 24);
    keyed *= PRIME_MX2;
    keyed ^= (keyed >> 35) + length;
    keyed *= PRIME_MX2;
    return keyed ^ (keyed >> 28);
}

static inline uint64_t mix_16(const unsigned char *at, int secret) {
    return folded_product(read_64(at) ^ read_64(SECRET + secret), read_64(at + 8) ^ read_64(SECRET + secret + 8));
}

static inline uint64_t hash_word(uint64_t word) {
    return strong_mix(rotate_left(word, 32) ^ read_64(SECRET + 8) ^ read_64(SECRET + 16), 8);
}

static uint64_t hash_up_to_16(const unsigned char *at, uint64_t length) {
    if (length > 8) {
        uint64_t low = read_64(at) ^ read_64(SECRET + 24) ^ read_64(SECRET + 32);
        uint64_t high = read_64(at + length - 8) ^ read_64(SECRET + 40) ^ read_64(SECRET + 48);
        return avalanche(length + __builtin_bswap64(low) + high + folded_product(low, high));
    }
    if (length >= 4) {
        uint64_t first = read_32(at), last = read_32(at + length - 4);
        return strong_mix((last + (first << 32)) ^ read_64(SECRET + 8) ^ read_64(SECRET + 16), length);
    }
    if (length > 0) {
        uint64_t word = (uint64_t)at[0] << 16 | (uint64_t)at[length >> 1] << 24 | at[length - 1] | length << 8;
        return avalanche_short(word ^ read_32(SECRET) ^ read_32(SECRET + 4));
    }
    return avalanche_short(read_64(SECRET + 56) ^ read_64(SECRET + 64));
}

static uint64_t hash_17_to_240(const unsigned char *at, uint64_t length) {
    uint64_t total = length * PRIME64_1;
    if (length <= 128) { /* pairs of 16 bytes, from the middle to both ends */
        for (int i = (int)((length - 1) >> 5); i >= 0; i--)
            total += mix_16(at + 16 * i, 32 * i) + mix_16(at + length - 16 * (i + 1), 32 * i + 16);
        return avalanche(total);
    }
    for (int i = 0; i < 8; i++) total += mix_16(at + 16 * i, 16 * i);
    total = avalanche(total);
    for (int i = 8; i < (int)(length >> 4); i++) total += mix_16(at + 16 * i, 16 * (i - 8) + 3);
    return avalanche(total + mix_16(at + length - 16, 119));
}

/* Take in one stripe of 64 bytes. */
static inline void accumulate(uint64_t *lanes, const unsigned char *at, int secret) {
    for (int i = 0; i < 8; i++) {
        uint64_t word = read_64(at + 8 * i), keyed = word ^ read_64(SECRET + secret + 8 * i);
        lanes[i ^ 1] += word;
        lanes[i] += (keyed & 0xFFFFFFFFu) * (keyed >> 32);
    }
}

/* More than 240 bytes: blocks of 16 stripes, the lanes scrambled after each. */
static uint64_t hash_long(const unsigned char *at, uint64_t length) {
    uint64_t lanes[8] = {PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1};
    uint64_t stripes = (length - 1) >> 6, total = length * PRIME64_1;
    for (uint64_t n = 0; n < stripes; n++) {
        accumulate(lanes, at + 64 * n, 8 * (int)(n & 15));
        if ((n & 15) == 15)
            for (int i = 0; i < 8; i++)
                lanes[i] = (lanes[i] ^ (lanes[i] >> 47) ^ read_64(SECRET + 128 + 8 * i)) * PRIME32_1;
    }
    accumulate(lanes, at + length - 64, 121);
    for (int i = 0; i < 4; i++)
        total += folded_product(lanes[2 * i] ^ read_64(SECRET + 11 + 16 * i),
                                lanes[2 * i + 1] ^ read_64(SECRET + 19 + 16 * i));
    return avalanche(total);
}

static uint64_t hash_bytes(const void *at, Py_ssize_t length) {
    if (length <= 16) return hash_up_to_16(at, (uint64_t)length);
    return length <= 240 ? hash_17_to_240(at, (uint64_t)length) : hash_long(at, (uint64_t)length);
}

/* The hash of a text, bytes or an integer of 64 bits, exactly of these classes; 0 where it is none of them. No code of
 * Python runs here. */
static int plain_hash(PyObject *key, uint64_t *hash) {
    if (PyUnicode_CheckExact(key)) {
        if (PyUnicode_IS_COMPACT_ASCII(key)) {
            *hash = hash_bytes(PyUnicode_DATA(key), PyUnicode_GET_LENGTH(key));
            return 1;
        }
        PyObject *binary = PyUnicode_AsUTF8String(key);
        if (binary == NULL) { /* half of a surrogate pair */
            PyErr_Clear();
            return 0;
        }
        *hash = hash_bytes(PyBytes_AS_STRING(binary), PyBytes_GET_SIZE(binary));
        Py_DECREF(binary);
        return 1;
    }
    if (PyBytes_CheckExact(key)) {
        *hash = hash_bytes(PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key));
        return 1;
    }
    if (!PyLong_CheckExact(key)) return 0;
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(key, &overflow);
    *hash = hash_word((uint64_t)number);
    return !overflow;
}

/* The hash of any key; -1 with the error of the text. */
static int hash_of(PyObject *key, uint64_t *hash) {
    if (plain_hash(key, hash)) return 0;
    if (stable_hash == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "These calls were not told of stable_hash.");
        return -1;
    }
    PyObject *found = PyObject_CallOneArg(stable_hash, key);
    if (found == NULL) return -1;
    *hash = PyLong_AsUnsignedLongLong(found);
    Py_DECREF(found);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *hash_key(PyObject *module, PyObject *key) {
    uint64_t hash;
    return hash_of(key, &hash) < 0 ? NULL : PyLong_FromUnsignedLongLong(hash);
}
