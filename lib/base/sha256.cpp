#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace espalier::base {
namespace {

// Fetched once: EVP_sha256() makes OpenSSL 3 look the algorithm up again at every start.
const EVP_MD* algorithm() {
    static EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return fetched;
}

}  // namespace

struct Sha256::Context {
    Context() : md(EVP_MD_CTX_new()) { start(); }
    ~Context() { EVP_MD_CTX_free(md); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    void start() const { ESPALIER_CHECK(EVP_DigestInit_ex(md, algorithm(), nullptr) == 1); }

    EVP_MD_CTX* md;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
    ESPALIER_CHECK(EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
    Digest digest{};
    auto* const out = reinterpret_cast<unsigned char*>(digest.data());
    ESPALIER_CHECK(EVP_DigestFinal_ex(context_->md, out, nullptr) == 1);
    context_->start();
    return digest;
}

Digest Sha256::of(std::span<const std::byte> bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

Digest Sha256::of(std::string_view bytes) {
    return of(std::as_bytes(std::span(bytes)));
}

}  // namespace espalier::base
