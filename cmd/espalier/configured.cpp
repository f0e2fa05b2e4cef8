#include "configured.h"

#include "auth.h"
#include "environment.h"
#include "settings/load.h"
#include "wiring.h"

namespace espalier::command {

base::Result<Configured> read_configured(const std::string& config, const std::string& pubkey,
                                         const std::string& secret) {
    const auto loaded = settings::load(config, {.lenient = false, .environment = environment});
    if (!loaded) return std::unexpected(loaded.error());
    auto upstreams = upstreams_from(loaded->settings);
    if (!upstreams) return std::unexpected(upstreams.error());
    Configured configured{.upstreams = std::move(*upstreams), .pubkey = {}, .key = {}};
    if (!secret.empty() || !environment("ESPALIER_NSEC").value_or("").empty()) {
        auto key = secret_key(secret);
        if (!key) return std::unexpected(key.error());
        configured.pubkey = key->public_key();
        configured.key = std::move(*key);
    }
    if (!pubkey.empty()) {
        const auto key = protocol::PublicKey::parse_any(pubkey);
        if (!key) return std::unexpected(key.error());
        configured.pubkey = *key;
    } else if (!configured.key) {
        return base::fail(base::ErrorKind::invalid,
                          "whose blobs? Give a public key (hex or npub), or a secret key",
                          base::Origin::client);
    }
    return configured;
}

}  // namespace espalier::command
