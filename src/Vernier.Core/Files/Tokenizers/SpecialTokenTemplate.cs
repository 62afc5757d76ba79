using Vernier.Files.Tokenizers.Models;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers;

/// <summary>The special tokens that stand around a text.</summary>
/// <param name="Before">The ids before it.</param>
/// <param name="After">The ids after it.</param>
internal sealed record SpecialTokenTemplate(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    /// <summary>Reads the <c>post_processor</c> of a tokenizer.json; null where it adds no tokens.</summary>
    public static SpecialTokenTemplate? Read(JsonField? field, Vocabulary vocabulary)
    {
        SpecialTokenTemplate? whole = null;
        foreach (JsonField part in field?.Parts("processors") ?? [])
        {
            string type = part.Get("type").AsString();
            SpecialTokenTemplate? template = type switch
            {
                // It moves offsets, which nothing here has.
                "ByteLevel" => null,
                "TemplateProcessing" => ReadTemplate(part, vocabulary),
                "RobertaProcessing" or "BertProcessing" =>
                    new SpecialTokenTemplate([ReadPair(part.Get("cls"), vocabulary)], [ReadPair(part.Get("sep"), vocabulary)]),
                _ => throw part.Unsupported(TokenizerRules.UnsupportedPostProcessor, $"the post-processor '{type}' isn't supported"),
            };
            if (template is not null)
                whole = new SpecialTokenTemplate([.. template.Before, .. whole?.Before ?? []], [.. whole?.After ?? [], .. template.After]);
        }
        return whole;
    }

    private static SpecialTokenTemplate ReadTemplate(JsonField field, Vocabulary vocabulary)
    {
        List<int> before = [], after = [];
        bool seen = false;
        foreach (JsonField piece in field.Get("single").Items())
        {
            if (piece.Find("Sequence") is { } sequence)
            {
                if (seen || sequence.Get("id").AsString() != "A")
                    throw sequence.Unsupported(TokenizerRules.UnsupportedPostProcessor, "a template for one text has the sequence A once");
                seen = true;
                continue;
            }
            string name = piece.Get("SpecialToken").Get("id").AsString();
            (seen ? after : before).AddRange(field.Get("special_tokens").Get(name).Get("ids").Items().Select(id => Known(id, vocabulary)));
        }
        return seen ? new SpecialTokenTemplate(before, after)
            : throw field.Unsupported(TokenizerRules.UnsupportedPostProcessor, "the template for one text lacks the sequence A");
    }

    /// <summary>Reads <c>["&lt;s&gt;", 0]</c>.</summary>
    private static int ReadPair(JsonField field, Vocabulary vocabulary) =>
        field.Items().ToArray() is [_, JsonField id] ? Known(id, vocabulary) : throw field.Wrong("a token and its id");

    private static int Known(JsonField field, Vocabulary vocabulary)
    {
        int id = field.AsInteger();
        return vocabulary.Text(id) is not null ? id
            : throw field.Error(TokenizerRules.UnknownSpecialToken, $"the id {id} isn't in the vocabulary", "Download the tokenizer again");
    }
}
