// The words that stand for the values of an enumeration in the file, in the order in which
// messages name them. A word that is not available is known, but not built yet.
#pragma once

#include <array>
#include <string_view>

#include "settings/settings.h"

namespace espalier::settings {

template <class E>
struct Word {
    std::string_view text;
    E value;
    bool available = true;
};

template <class E>
inline constexpr auto kWords = nullptr;

template <>
inline constexpr auto kWords<Tri> =
    std::to_array<Word<Tri>>({{"auto", Tri::automatic}, {"true", Tri::yes}, {"false", Tri::no}});

template <>
inline constexpr auto kWords<UpstreamMode> = std::to_array<Word<UpstreamMode>>(
    {{"redirect", UpstreamMode::redirect},
     {"proxy", UpstreamMode::proxy},
     {"redirect_and_cache", UpstreamMode::redirect_and_cache, false}});

template <>
inline constexpr auto kWords<Strategy> =
    std::to_array<Word<Strategy>>({{"round_robin", Strategy::round_robin},
                                   {"random", Strategy::random},
                                   {"health_based", Strategy::health_based},
                                   {"priority", Strategy::priority},
                                   {"fastest", Strategy::fastest},
                                   {"local", Strategy::local}});

template <>
inline constexpr auto kWords<QuorumReply> =
    std::to_array<Word<QuorumReply>>({{"early", QuorumReply::early}, {"all", QuorumReply::all}});

template <>
inline constexpr auto kWords<SuccessStatus> = std::to_array<Word<SuccessStatus>>(
    {{"spec", SuccessStatus::spec}, {"200", SuccessStatus::always_200}});

template <>
inline constexpr auto kWords<Nip94Urls> = std::to_array<Word<Nip94Urls>>(
    {{"both", Nip94Urls::both}, {"multi", Nip94Urls::multi}, {"fallback", Nip94Urls::fallback}});

template <>
inline constexpr auto kWords<RedirectStatus> =
    std::to_array<Word<RedirectStatus>>({{"302", RedirectStatus::found},
                                         {"307", RedirectStatus::temporary},
                                         {"308", RedirectStatus::permanent}});

template <>
inline constexpr auto kWords<UncertainRead> = std::to_array<Word<UncertainRead>>(
    {{"404", UncertainRead::not_found}, {"502", UncertainRead::bad_gateway}});

template <>
inline constexpr auto kWords<AuthWrites> = std::to_array<Word<AuthWrites>>(
    {{"required", AuthWrites::required}, {"forward", AuthWrites::forward}});

template <>
inline constexpr auto kWords<RequireX> = std::to_array<Word<RequireX>>(
    {{"if_present", RequireX::if_present}, {"strict", RequireX::strict}});

template <>
inline constexpr auto kWords<AcceptServerTags> =
    std::to_array<Word<AcceptServerTags>>({{"own", AcceptServerTags::own},
                                           {"own_or_upstream", AcceptServerTags::own_or_upstream},
                                           {"any", AcceptServerTags::any}});

template <>
inline constexpr auto kWords<ChunkedUploads> = std::to_array<Word<ChunkedUploads>>(
    {{"spool", ChunkedUploads::spool}, {"reject", ChunkedUploads::reject}});

template <>
inline constexpr auto kWords<DeleteQuorum> =
    std::to_array<Word<DeleteQuorum>>({{"all", DeleteQuorum::all}, {"any", DeleteQuorum::any}});

template <>
inline constexpr auto kWords<DedupePut> =
    std::to_array<Word<DedupePut>>({{"send", DedupePut::send}, {"skip", DedupePut::skip}});

template <>
inline constexpr auto kWords<Hints> = std::to_array<Word<Hints>>(
    {{"off", Hints::off}, {"allowlist", Hints::allowlist}, {"public", Hints::anyone}});

template <>
inline constexpr auto kWords<Mode> = std::to_array<Word<Mode>>(
    {{"rw", Mode::rw}, {"ro", Mode::ro}, {"source", Mode::source}, {"drain", Mode::drain}});

template <>
inline constexpr auto kWords<UpstreamAuth> =
    std::to_array<Word<UpstreamAuth>>({{"forward", UpstreamAuth::forward},
                                       {"none", UpstreamAuth::none},
                                       {"service_key", UpstreamAuth::service_key}});

template <>
inline constexpr auto kWords<TokenEncoding> =
    std::to_array<Word<TokenEncoding>>({{"std", TokenEncoding::std}, {"url", TokenEncoding::url}});

template <>
inline constexpr auto kWords<ServerTagMatch> =
    std::to_array<Word<ServerTagMatch>>({{"domain", ServerTagMatch::domain},
                                         {"url", ServerTagMatch::url},
                                         {"any", ServerTagMatch::any}});

template <>
inline constexpr auto kWords<base::Level> =
    std::to_array<Word<base::Level>>({{"debug", base::Level::debug},
                                      {"info", base::Level::info},
                                      {"warning", base::Level::warning},
                                      {"error", base::Level::error}});

template <>
inline constexpr auto kWords<base::Log::Format> = std::to_array<Word<base::Log::Format>>(
    {{"text", base::Log::Format::text}, {"json", base::Log::Format::json}});

}  // namespace espalier::settings
