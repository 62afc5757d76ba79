using Vernier.Errors;
using Vernier.Files.Tokenizers.Normalizers;
using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.PreTokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Files.Tokenizers.Decoders;

/// <summary>Makes a step of decoding that hands on to the next.</summary>
internal delegate TokenSink DecoderStep(TokenSink next);

/// <summary>Reads the <c>decoder</c> of a tokenizer.json.</summary>
internal static class DecoderReader
{
    /// <summary>The longest text a token may grow to.</summary>
    private const int MaxGrown = 1 << 14;

    /// <summary>Reads the steps in order. Without a decoder the tokens stand with spaces between them.</summary>
    public static List<DecoderStep> Read(JsonField? field)
    {
        if (field is not { } present)
            return [next => new MapSink(next, (token, index) => index == 0 ? token : " " + token)];
        var steps = new List<DecoderStep>();
        List<JsonField> parts = present.Parts("decoders");
        bool joined = false;
        for (int i = 0; i < parts.Count; i++)
        {
            if (joined && !parts[i..].All(IsLeadingStrip))
            {
                steps.Add(next => new JoinSink(next));
                joined = false;
            }
            string type = parts[i].Get("type").AsString();
            if (joined)
                steps.Add(ReadLeadingStrip(parts[i]));
            else if (type != "Fuse")
                steps.Add(ReadPart(parts[i], type));
            // From here on all is one token. It need not be collected where only its beginning matters.
            joined |= type is "Fuse" or "ByteLevel";
        }
        return steps;
    }

    private static DecoderStep ReadPart(JsonField field, string type)
    {
        switch (type)
        {
            case "ByteLevel":
                return next => new ByteLevelSink(next);
            case "ByteFallback":
                return next => new ByteFallbackSink(next);
            case "Replace":
                var replace = new Replace(PatternReader.Read(field.Get("pattern")), field.Get("content").AsShortString());
                return next => new MapSink(next, (token, _) => ReplaceIn(token, replace, field.File));
            case "Strip":
                return ReadStrip(field);
            case "Metaspace":
                string character = field.Find("replacement")?.AsCharacter() ?? "\u2581";
                string first = PreTokenizerReader.ReadScheme(field) == PrependScheme.Never ? " " : "";
                return next => new MapSink(next, (token, index) =>
                    token.Replace(character, index == 0 ? first : " ", StringComparison.Ordinal));
            case "BPEDecoder":
                string suffix = field.Find("suffix")?.AsShortString() ?? "</w>";
                return next => new WordEndSink(next, suffix);
            default:
                throw field.Unsupported(TokenizerRules.UnsupportedDecoder, $"the decoder '{type}' isn't supported");
        }
    }

    private static bool IsLeadingStrip(JsonField field) =>
        field.Get("type").AsString() == "Fuse" || (field.Get("type").AsString() == "Strip" && field.Get("stop").AsInteger() == 0);

    private static DecoderStep ReadLeadingStrip(JsonField field)
    {
        if (field.Get("type").AsString() == "Fuse")
            return next => next;
        string character = field.Get("content").AsCharacter();
        int most = field.Get("start").AsInteger();
        return next => new LeadingStripSink(next, character, most);
    }

    private static DecoderStep ReadStrip(JsonField field)
    {
        string character = field.Get("content").AsCharacter();
        int start = field.Get("start").AsInteger(), stop = field.Get("stop").AsInteger();
        return next => new MapSink(next, (token, _) =>
        {
            int from = 0, to = token.Length;
            for (int i = 0; i < start && token.AsSpan(from).StartsWith(character, StringComparison.Ordinal); i++)
                from += character.Length;
            for (int i = 0; i < stop && token.AsSpan(from, to - from).EndsWith(character, StringComparison.Ordinal); i++)
                to -= character.Length;
            return token[from..to];
        });
    }

    private static string ReplaceIn(string token, Replace replace, string file)
    {
        // A replacement makes at most 256 characters of one, so that what is built here stays small.
        string result = replace.Normalize(token);
        return result.Length <= Math.Max(MaxGrown, token.Length) ? result
            : throw new InvalidFileException(
                file, TokenizerRules.Expands, $"decoder: a token becomes more than {MaxGrown} characters long",
                    "Download the tokenizer again");
    }
}
