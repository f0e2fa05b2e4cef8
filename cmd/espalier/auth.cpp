#include "auth.h"

#include <cstdlib>
#include <iostream>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "client.h"
#include "protocol/authorizer.h"
#include "protocol/token.h"

namespace espalier::command {
namespace {

using base::Result;
using protocol::BlobHash;

std::unexpected<base::Error> refuse(std::string reason) {
    return base::fail(base::ErrorKind::invalid, std::move(reason), base::Origin::client);
}

Result<std::vector<BlobHash>> blobs_of(const AuthOptions& options) {
    std::vector<BlobHash> blobs;
    for (const auto& path : options.files) {
        const auto file = hash_file(path);
        if (!file) return std::unexpected(file.error());
        blobs.push_back(file->hash);
    }
    for (const auto& text : options.hashes) {
        const auto hash = BlobHash::parse(base::ascii_lower(text));
        if (!hash) return refuse(base::text('"', text, "\" is not a hash of 64 hex digits"));
        blobs.push_back(*hash);
    }
    return blobs;
}

Result<std::vector<std::string>> hosts_of(const AuthOptions& options) {
    std::vector<std::string> hosts;
    for (const auto& server : options.servers) {
        hosts.push_back(protocol::server_tag_host(server));
        if (hosts.back().empty()) return refuse(base::text('"', server, "\" names no server"));
    }
    return hosts;
}

Result<std::string> make_token(const AuthOptions& options) {
    constexpr std::int64_t kLifetimeMax = std::int64_t{100} * 365 * 24 * 3600;
    const auto verb = protocol::verb_of(options.verb);
    if (!verb)
        return refuse(
            base::text('"', options.verb, "\" is none of get, upload, list, delete, media"));
    if (options.lifetime <= 0 || options.lifetime > kLifetimeMax)
        return refuse("a token lives between a second and a hundred years");
    const auto blobs = blobs_of(options);
    if (!blobs) return std::unexpected(blobs.error());
    const auto hosts = hosts_of(options);
    if (!hosts) return std::unexpected(hosts.error());
    const auto key = secret_key(options.secret);
    if (!key) return std::unexpected(key.error());
    const auto now = base::SystemClock().unix_now();
    return protocol::mint_token(
        *key, *verb, *blobs, *hosts, now, now + options.lifetime,
        options.content.empty() ? base::text("Blossom ", options.verb) : options.content);
}

int print_new_key() {
    const auto key = protocol::SecretKey::generate();
    std::cout << "nsec " << key.nsec() << "\nnpub " << key.public_key().npub() << "\nhex "
              << key.public_key().hex() << '\n'
              << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int print_as_hex(const std::string& text) {
    const auto key = protocol::PublicKey::parse_any(text);
    if (!key) {
        std::cerr << "espalier auth: " << key.error().reason << '\n';
        return EXIT_FAILURE;
    }
    std::cout << key->hex() << '\n' << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

base::Result<protocol::SecretKey> secret_key(const std::string& option) {
    if (!option.empty()) return protocol::SecretKey::parse_any(option);
    const char* const environment = std::getenv("ESPALIER_NSEC");
    if (environment == nullptr)
        return refuse(
            "no secret key: give one or set ESPALIER_NSEC (espalier auth --generate makes one)");
    return protocol::SecretKey::parse_any(environment);
}

int run_auth(const AuthOptions& options) {
    if (options.generate) return print_new_key();
    if (!options.public_key.empty()) return print_as_hex(options.public_key);
    const auto token = make_token(options);
    if (!token) {
        std::cerr << "espalier auth: " << token.error().reason << '\n';
        return EXIT_FAILURE;
    }
    std::cout << "Authorization: " << *token << '\n' << std::flush;
    return std::cout ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace espalier::command
