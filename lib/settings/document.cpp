#include "settings/document.h"

#include <yaml-cpp/yaml.h>

#include "base/text.h"

namespace espalier::settings {
namespace {

constexpr int kLevelsMax = 16;
constexpr int kNodesMax = 100'000;

int line_of(const YAML::Mark& mark) {
    return mark.is_null() ? 1 : mark.line + 1;
}

// Copies the library's tree; the first thing that cannot be copied ends it.
class Copier {
public:
    std::expected<Node, SyntaxError> copy(const YAML::Node& root) {
        Node node = copy_node(root, 0);
        if (!error_.what.empty()) return std::unexpected(std::move(error_));
        return node;
    }

private:
    Node copy_node(const YAML::Node& from, int level) {
        Node node{.kind = Node::Kind::null, .line = line_of(from.Mark())};
        if (level > kLevelsMax) return refuse(node, "nested too deeply");
        if (++nodes_ > kNodesMax) return refuse(node, "too many values");
        if (from.IsScalar()) copy_scalar(from, node);
        if (from.IsSequence()) copy_list(from, node, level);
        if (from.IsMap()) copy_map(from, node, level);
        return node;
    }

    static void copy_scalar(const YAML::Node& from, Node& node) {
        node.kind = Node::Kind::scalar;
        node.text = from.Scalar();
    }

    void copy_list(const YAML::Node& from, Node& node, int level) {
        node.kind = Node::Kind::list;
        for (const auto& item : from) {
            if (refused()) return;
            node.children.push_back(copy_node(item, level + 1));
        }
    }

    void copy_map(const YAML::Node& from, Node& node, int level) {
        node.kind = Node::Kind::map;
        for (const auto& entry : from) {
            if (refused()) return;
            Node child = copy_node(entry.second, level + 1);
            child.line = line_of(entry.first.Mark());
            if (entry.first.IsScalar()) {
                child.key = entry.first.Scalar();
            } else {
                refuse(child, "a key must be a plain word");
            }
            node.children.push_back(std::move(child));
        }
    }

    bool refused() const { return !error_.what.empty(); }
    Node refuse(const Node& node, std::string_view what) {
        if (!refused()) error_ = {.line = node.line, .what = std::string(what)};
        return node;
    }

    int nodes_ = 0;
    SyntaxError error_;
};

}  // namespace

std::expected<Node, SyntaxError> parse_document(std::string_view text) {
    if (text.size() > kDocumentBytesMax) {
        return std::unexpected(SyntaxError{.line = 1, .what = "the file is larger than 1 MiB"});
    }
    // The library reports by exception; it is translated here, once.
    try {
        const auto documents = YAML::LoadAll(std::string(text));
        if (documents.empty()) return Node{.kind = Node::Kind::null, .line = 1};
        if (documents.size() > 1) {
            return std::unexpected(
                SyntaxError{.line = line_of(documents[1].Mark()),
                            .what = "a second document (after ---) is not expected"});
        }
        return Copier().copy(documents.front());
    } catch (const YAML::Exception& error) {
        return std::unexpected(SyntaxError{.line = line_of(error.mark),
                                           .what = base::text("not valid YAML: ", error.msg)});
    }
}

}  // namespace espalier::settings
