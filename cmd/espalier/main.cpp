// espalier: the command line. Each subcommand has a file of its own; this one only reads
// the arguments.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "auth.h"
#include "check.h"
#include "command_line.h"
#include "completion.h"
#include "demo.h"
#include "healthcheck.h"
#include "manual.h"
#include "missing.h"
#include "reload.h"
#include "repair.h"
#include "serve.h"
#include "store.h"
#include "upload.h"
#include "version.h"

namespace espalier::command {
namespace {

// The Go original's users write "-config PATH", which CLI11 would read as "-c onfig PATH".
std::vector<std::string> arguments(int argc, char** argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    for (auto& word : words) {
        if (word == "-config") word = "--config";
        if (word.starts_with("-config=")) word.insert(0, "-");
    }
    return {words.rbegin(), words.rend()};  // CLI11 takes them last first
}

void describe_serve(CLI::App& command, ServeOptions& options) {
    command.add_option("--config", options.config, "Configuration file")->capture_default_str();
    command
        .add_option("--listen", options.listen,
                    "Address to listen on, instead of listen_addr; repeatable; port 0 picks one")
        ->allow_extra_args(false);
    command.add_flag("-v,--verbose", options.verbose, "Log every detail");
    command.add_flag("--lenient", options.lenient,
                     "Warn about unknown keys instead of refusing them");
}

void describe_store(CLI::App& command, StoreCommandOptions& options) {
    command.add_option("folder", options.folder, "Where the blobs lie")->required();
    command.add_option("--listen", options.listen, "Address to listen on; repeatable")
        ->allow_extra_args(false)
        ->capture_default_str();
    command.add_flag("--require-auth", options.require_auth, "Writes need a token (kind 24242)");
    command.add_flag("--any-server-tag", options.accept_any_server_tag,
                     "Take tokens that name other servers");
    command.add_option("--max-upload-bytes", options.max_upload_bytes, "Largest blob")
        ->capture_default_str();
    command.add_option("--upload-rate", options.upload_rate_max,
                       "Bytes a second of an upload; 0: any");
    command.add_option("--base-url", options.base_url, "How clients find this store");
    command.add_flag("--mirror-private", options.mirror_private,
                     "Mirror from private addresses too");
}

void describe_auth(CLI::App& command, AuthOptions& options) {
    command.add_flag("--generate", options.generate, "Print a fresh key pair instead");
    command.add_option("--hex", options.public_key,
                       "Print this public key (npub or hex) as hex instead");
    command.add_option("--nsec", options.secret, "Secret key; better in ESPALIER_NSEC");
    command.add_option("verb", options.verb, "get, upload, list, delete or media")
        ->capture_default_str();
    // One value each, so that the verb may follow.
    command.add_option("--file", options.files, "A file whose hash the token is for; repeatable")
        ->allow_extra_args(false);
    command.add_option("--hash", options.hashes, "A hash that the token is for; repeatable")
        ->allow_extra_args(false);
    command.add_option("--server", options.servers, "A server that may take it; repeatable")
        ->allow_extra_args(false);
    command.add_option("--lifetime", options.lifetime, "Seconds until it expires")
        ->capture_default_str();
    command.add_option("--content", options.content, "A sentence for humans");
}

void describe_check(CLI::App& command, CheckOptions& options) {
    command.add_option("--config", options.config, "Configuration file")->capture_default_str();
    command.add_flag("--lenient", options.lenient,
                     "Warn about unknown keys instead of refusing them");
    command.add_flag("--reference", options.reference, "Print what every key means instead");
    auto* const live = command.add_flag(
        "--live", options.live, "Ask the servers too; exit status 1 when one cannot be reached");
    command.add_flag("--json", options.json, "Print what they say as JSON")->needs(live);
}

void describe_demo(CLI::App& command, DemoOptions& options) {
    command.add_flag("--once", options.once, "End after the check instead of at Ctrl-C");
    command.add_option("--file", options.file, "What to upload; without it, a picture of ours");
    command.add_option("--folder", options.folder,
                       "Where the copies lie and stay; without it, a temporary folder");
}

void describe_upload(CLI::App& command, UploadOptions& options) {
    command.add_option("file", options.files, "What to send; repeatable")->required();
    command.add_option("--server", options.server, "URL of the gateway or Blossom server")
        ->required();
    command.add_option("--nsec", options.secret, "Secret key; better in ESPALIER_NSEC");
}

void describe_missing(CLI::App& command, MissingOptions& options) {
    command.add_option("pubkey", options.pubkey, "Whose blobs: hex or npub; else the secret key's");
    command.add_option("--config", options.config, "Configuration file")->capture_default_str();
    command.add_option("--nsec", options.secret, "Secret key; better in ESPALIER_NSEC");
    command.add_flag("--json", options.json, "Print JSON");
    command.add_option("-o,--output-dir", options.output_folder,
                       "Write a file per server there instead");
}

void describe_repair(CLI::App& command, RepairOptions& options) {
    command.add_option("pubkey", options.pubkey, "Whose blobs: hex or npub; else the secret key's");
    command.add_option("--config", options.config, "Configuration file")->capture_default_str();
    command.add_option("--nsec", options.secret, "Secret key; better in ESPALIER_NSEC");
    command.add_option("--server", options.server, "Bring what --list names to this server only");
    command.add_option("--list", options.list, "A file of espalier missing --output-dir");
    command.add_option("--error-log", options.error_log, "Write the URLs that failed there");
    command.add_flag("-n,--dry-run", options.dry_run, "Say what would be done, do nothing");
    command.add_flag("--json", options.json, "Print JSON");
}

void describe_reload(CLI::App& command, ReloadOptions& options) {
    command.add_option("--config", options.config, "Configuration file")->capture_default_str();
    command.add_flag("--lenient", options.lenient,
                     "Warn about unknown keys instead of refusing them");
}

void describe_healthcheck(CLI::App& command, HealthcheckOptions& options) {
    command.add_option("url", options.url, "Where the gateway is")->capture_default_str();
}

int print_completion(const CLI::App& app, const std::string& shell) {
    const auto text = completion(command_line_of(app), shell);
    if (text) std::cout << *text;
    if (!text) std::cerr << text.error().reason << '\n';
    return text ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(int argc, char** argv) {
    CLI::App app("A gateway that makes several Blossom servers one");
    app.set_version_flag("--version", kVersion);
    ServeOptions serve;
    StoreCommandOptions store;
    AuthOptions auth;
    CheckOptions check;
    DemoOptions demo;
    UploadOptions upload;
    MissingOptions missing;
    RepairOptions repair;
    ReloadOptions reload;
    HealthcheckOptions healthcheck;
    describe_serve(app, serve);
    describe_serve(*app.add_subcommand("serve", "Run the gateway (also without a subcommand)"),
                   serve);
    auto* const store_command =
        app.add_subcommand("store", "Run a small Blossom server over one folder");
    describe_store(*store_command, store);
    auto* const auth_command = app.add_subcommand("auth", "Make a token for curl and scripts");
    describe_auth(*auth_command, auth);
    auto* const check_command =
        app.add_subcommand("check", "Say what is wrong with a configuration");
    describe_check(*check_command, check);
    auto* const demo_command =
        app.add_subcommand("demo", "Show it: three stores, a gateway, a picture");
    describe_demo(*demo_command, demo);
    auto* const upload_command = app.add_subcommand("upload", "Send files to a gateway");
    describe_upload(*upload_command, upload);
    auto* const missing_command =
        app.add_subcommand("missing", "Find out which servers lack which blobs of a user");
    describe_missing(*missing_command, missing);
    auto* const repair_command =
        app.add_subcommand("repair", "Bring a user's blobs to every server that lacks them");
    describe_repair(*repair_command, repair);
    auto* const reload_command =
        app.add_subcommand("reload", "Have the running gateway read its configuration again");
    describe_reload(*reload_command, reload);
    auto* const healthcheck_command =
        app.add_subcommand("healthcheck", "Ask a gateway how it is; exit status 1: not well");
    describe_healthcheck(*healthcheck_command, healthcheck);
    auto* const manual_command = app.add_subcommand("manual", "Print the manual page, for man");
    auto* const completion_command =
        app.add_subcommand("completion", "Print what a shell needs to complete commands");
    std::string shell;
    completion_command->add_option("shell", shell, "bash, zsh or fish")->required();
    app.require_subcommand(0, 1);
    try {
        app.parse(arguments(argc, argv));
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if (store_command->parsed()) return run_store(store);
    if (auth_command->parsed()) return run_auth(auth);
    if (check_command->parsed()) return run_check(check);
    if (demo_command->parsed()) return run_demo(demo);
    if (upload_command->parsed()) return run_upload(upload);
    if (missing_command->parsed()) return run_missing(missing);
    if (repair_command->parsed()) return run_repair(repair);
    if (reload_command->parsed()) return run_reload(reload);
    if (completion_command->parsed()) return print_completion(app, shell);
    if (manual_command->parsed()) {
        std::cout << manual_page(command_line_of(app), kVersion);
        return EXIT_SUCCESS;
    }
    if (healthcheck_command->parsed()) return run_healthcheck(healthcheck);
    return run_serve(serve);
}

}  // namespace
}  // namespace espalier::command

int main(int argc, char** argv) {
    return espalier::command::run(argc, argv);
}
