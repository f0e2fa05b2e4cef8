// A Key is one thing an operator can choose: its name, its type, what it means, and how it is
// read into and shown from its owner.
//
// The tables of Keys are the single source of parsing, validation, hints and reference.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "settings/checks.h"
#include "settings/document.h"

namespace espalier::settings {

// What is wrong, and in which line.
struct Fault {
    int line = 0;
    std::string what;
};

template <class Owner>
struct Key {
    std::string_view name;  // dotted: "auth.writes"
    std::string type;
    std::string meaning;
    // Sets the member when there is no fault.
    std::function<std::vector<Fault>(Owner&, const Node&)> read;
    std::function<std::string(const Owner&)> show;
    std::string_view alias;     // another name with the same meaning; "" = none
    std::string_view fallback;  // the default in words; "" = what a fresh Owner shows
    bool is_live = false;       // may change while the gateway runs

    std::string default_text() const {
        return fallback.empty() ? show(Owner{}) : std::string(fallback);
    }
    Key with_alias(std::string_view name_too) && {
        alias = name_too;
        return std::move(*this);
    }
    Key live() && {
        is_live = true;
        return std::move(*this);
    }
    Key with_default(std::string_view words) && {
        fallback = words;
        return std::move(*this);
    }
};

// Keys that belong together, under a heading of the reference.
template <class Owner>
struct Section {
    std::string_view title;
    std::vector<Key<Owner>> keys;
};

// A key of one value.
template <class Owner, class T>
Key<Owner> key(std::string_view name, T Owner::* member, std::string_view meaning,
               const Check<std::type_identity_t<T>>& check = {}) {
    auto read = [member, check](Owner& owner, const Node& node) -> std::vector<Fault> {
        if (node.kind != Node::Kind::scalar) return {{node.line, "must be a single value"}};
        auto value = Codec<T>::read(node.text);
        if (!value) return {{node.line, value.error()}};
        if (auto wrong = check ? check(*value) : std::string(); !wrong.empty()) {
            return {{node.line, std::move(wrong)}};
        }
        owner.*member = std::move(*value);
        return {};
    };
    auto show = [member](const Owner& owner) { return Codec<T>::show(owner.*member); };
    return {name, Codec<T>::type(), std::string(meaning), std::move(read), std::move(show), {}, {},
            false};
}

// A key of several texts, each held to `check`; a single one needs no list.
template <class Owner>
Key<Owner> list_key(std::string_view name, std::vector<std::string> Owner::* member,
                    std::string_view meaning,
                    const std::function<std::string(std::string_view)>& check) {
    auto read = [member, check](Owner& owner, const Node& node) {
        const bool single = node.kind == Node::Kind::scalar;
        const auto items = single ? std::vector<Node>{node} : node.children;
        std::vector<Fault> faults;
        std::vector<std::string> values;
        if (node.kind == Node::Kind::map) faults.push_back({node.line, "must be a list"});
        for (const Node& item : items) {
            const bool scalar = item.kind == Node::Kind::scalar;
            auto wrong = scalar ? check(item.text) : "each entry must be a single value";
            if (!wrong.empty()) faults.push_back({item.line, std::move(wrong)});
            values.push_back(item.text);
        }
        if (faults.empty()) owner.*member = std::move(values);
        return faults;
    };
    auto show = [member](const Owner& owner) {
        std::string out;
        for (const auto& value : owner.*member) {
            base::append_text(out, out.empty() ? "" : ", ");
            base::append_text(out, Codec<std::string>::show(value));
        }
        return base::text('[', out, ']');
    };
    return {name, "list", std::string(meaning), std::move(read), std::move(show), {}, {}, false};
}

}  // namespace espalier::settings
