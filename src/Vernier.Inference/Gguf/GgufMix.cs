using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>A tensor whose type a mix chooses.</summary>
/// <param name="Name">The name in the GGUF file.</param>
/// <param name="Shape">The dimensions, outermost first.</param>
public sealed record GgufMixTensor(string Name, IReadOnlyList<long> Shape);

/// <summary>The type of all tensors whose names a pattern matches.</summary>
/// <param name="Pattern">Looked for in the name in the GGUF file.</param>
/// <param name="Type">The type; one that the rows don't fit gives way as in a mix.</param>
public sealed record GgufOverride(Regex Pattern, GgufTensorType Type);

/// <summary>Which tensor gets which type in a file of a kind: the rules of llama-quantize.</summary>
public sealed class GgufMix
{
    private GgufMix(string name, int fileType, string type) => (Name, FileType, Default) = (name, fileType, GgufTensorType.TryGet(type, out GgufTensorType? known) ? known : throw new ArgumentException(type, nameof(type)));

    /// <summary>All mixes, the smallest type first.</summary>
    public static IReadOnlyList<GgufMix> All { get; } =
    [
        new("TQ1_0", 36, "TQ1_0"), new("TQ2_0", 37, "TQ2_0"), new("Q2_K", 10, "Q2_K"), new("Q3_K_S", 11, "Q3_K"), new("Q3_K_M", 12, "Q3_K"), new("Q3_K_L", 13, "Q3_K"),
        new("IQ4_XS", 30, "IQ4_XS"), new("IQ4_NL", 25, "IQ4_NL"), new("MXFP4_MOE", 38, "MXFP4"), new("Q4_0", 2, "Q4_0"), new("Q4_1", 3, "Q4_1"), new("Q4_K_S", 14, "Q4_K"), new("Q4_K_M", 15, "Q4_K"),
        new("Q5_0", 8, "Q5_0"), new("Q5_1", 9, "Q5_1"), new("Q5_K_S", 16, "Q5_K"), new("Q5_K_M", 17, "Q5_K"), new("Q6_K", 18, "Q6_K"), new("Q8_0", 7, "Q8_0"),
        new("F16", 1, "F16"), new("BF16", 32, "BF16"), new("F32", 0, "F32"),
    ];

    /// <summary>The name in llama-quantize, such as <c>Q4_K_M</c>.</summary>
    public string Name { get; }

    /// <summary>The number in <c>general.file_type</c>, llama_ftype.</summary>
    public int FileType { get; }

    /// <summary>The type of most tensors.</summary>
    public GgufTensorType Default { get; }

    /// <summary>Finds a mix by its name, in capital or small letters. Q3_K, Q4_K and Q5_K mean the middle one, MXFP4 means MXFP4_MOE.</summary>
    public static bool TryGet(string name, [NotNullWhen(true)] out GgufMix? mix)
    {
        string full = name.ToUpperInvariant() switch
        {
            "Q3_K" or "Q4_K" or "Q5_K" => name + "_M",
            "MXFP4" => "MXFP4_MOE",
            _ => name,
        };
        return (mix = All.FirstOrDefault(known => known.Name.Equals(full, StringComparison.OrdinalIgnoreCase))) is not null;
    }

    /// <summary>Whether a tensor may have another type than F32: a matrix that is no norm.</summary>
    public static bool MayConvert(GgufMixTensor tensor) =>
        tensor.Shape.Count >= 2 && tensor.Name.EndsWith("weight", StringComparison.Ordinal) && !tensor.Name.Contains("_norm.weight", StringComparison.Ordinal);

    /// <summary>Chooses the types.</summary>
    /// <param name="tensors">All tensors of the file.</param>
    /// <param name="config">The model.</param>
    /// <param name="overrides">Types by pattern; the first that matches counts.</param>
    /// <param name="importance">Whether an importance matrix is used, for which llama-quantize has rules of its own.</param>
    /// <returns>The type of each tensor, by its name.</returns>
    public IReadOnlyDictionary<string, GgufTensorType> Types(IEnumerable<GgufMixTensor> tensors, ModelConfig config, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        // The rules count attention and feed-forward tensors in the order of the blocks.
        GgufMixTensor[] ordered = [.. tensors.OrderBy(tensor => GgufNames.LayerOf(tensor.Name) ?? -1).ThenBy(tensor => tensor.Name, StringComparer.Ordinal)];
        var rules = new Rules(this, config, importance, ordered);
        var types = new Dictionary<string, GgufTensorType>(StringComparer.Ordinal);
        foreach (GgufMixTensor tensor in ordered)
            types[tensor.Name] = MayConvert(tensor) ? Fit(tensor, TypeOf(tensor)) : GgufTensorType.F32;
        return types;

        GgufTensorType TypeOf(GgufMixTensor tensor) => overrides?.FirstOrDefault(one => one.Pattern.IsMatch(tensor.Name)) is GgufOverride given ? given.Type
            : Default.Format is null ? Default : rules.Choose(tensor);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>A type that the rows fill whole blocks of: the type itself, else one with blocks of 32, else F16.</summary>
    private static GgufTensorType Fit(GgufMixTensor tensor, GgufTensorType type)
    {
        if (tensor.Shape[^1] % type.BlockColumns == 0)
            return type;
        string? other = type.Name switch
        {
            "IQ4_XS" => "IQ4_NL",
            "Q2_K" or "Q3_K" or "TQ1_0" or "TQ2_0" => "Q4_0",
            "Q4_K" => "Q5_0",
            "Q5_K" => "Q5_1",
            "Q6_K" => "Q8_0",
            _ => null,
        };
        return other is not null && GgufTensorType.TryGet(other, out GgufTensorType? smaller) && tensor.Shape[^1] % smaller.BlockColumns == 0 ? smaller : GgufTensorType.F16;
    }

    /// <summary>The rules of one file, which count as they go.</summary>
    private sealed class Rules
    {
        private readonly GgufMix _mix;
        private readonly bool _importance, _tied, _large;
        private readonly int _layers, _values, _sharing;
        private int _value, _down;

        public Rules(GgufMix mix, ModelConfig config, bool importance, GgufMixTensor[] tensors)
        {
            (_mix, _importance, _layers) = (mix, importance, config.LayerCount);
            _sharing = config.HeadCount / config.KeyValueHeadCount;
            // What llama.cpp calls a model of 70 billion parameters.
            _large = config.LayerCount == 80 && config.Family is (ModelFamily.Llama or ModelFamily.Mistral or ModelFamily.Qwen2);
            _tied = Array.TrueForAll(tensors, tensor => tensor.Name != "output.weight");
            _values = tensors.Count(tensor => Has(tensor, "attn_v.weight") || Has(tensor, "attn_qkv.weight"));
        }

        public GgufTensorType Choose(GgufMixTensor tensor)
        {
            string name = NameOf(tensor);
            return GgufTensorType.TryGet(name, out GgufTensorType? type) ? type : throw new InvalidOperationException(name);
        }

        private string NameOf(GgufMixTensor tensor)
        {
            string type = _mix.Default.Name;
            bool head = tensor.Name == "output.weight", embedding = tensor.Name == "token_embd.weight";
            if (head || embedding && _tied)
                return _mix.Name == "MXFP4_MOE" || tensor.Shape[^1] % _mix.Default.BlockColumns != 0 || type == "Q8_0" ? "Q8_0" : "Q6_K";
            if (_mix.Name == "MXFP4_MOE")
                return tensor.Shape.Count > 2 && tensor.Shape[0] > 1 ? "MXFP4" : "Q8_0";
            if (embedding)
                return _mix.Name is "TQ1_0" or "TQ2_0" ? "Q4_K" : type;
            if (Has(tensor, "attn_qkv.weight") || Has(tensor, "attn_v.weight"))
                return Value(type, _value++);
            if (Has(tensor, "ffn_down"))
                return Down(type, _down++);
            if (!Has(tensor, "attn_output.weight"))
                return type;
            return _mix.Name switch
            {
                "Q2_K" => "Q3_K",
                "Q3_K_M" => "Q4_K",
                "Q3_K_L" => "Q5_K",
                _ => type,
            };
        }

        private string Value(string type, int index)
        {
            string chosen = _mix.Name switch
            {
                "Q2_K" => _sharing >= 4 ? "Q4_K" : "Q3_K",
                "Q3_K_M" => index < 2 ? "Q5_K" : "Q4_K",
                "Q3_K_L" => "Q5_K",
                "IQ4_NL" or "IQ4_XS" when _sharing >= 4 => "Q5_K",
                "Q4_K_M" or "Q5_K_M" when MoreBits(index, _values) => "Q6_K",
                "Q4_K_S" when index < 4 => "Q5_K",
                _ => type,
            };
            return _large && chosen is ("Q3_K" or "Q4_K") ? "Q5_K" : chosen;
        }

        private string Down(string type, int index)
        {
            bool first = index < _layers / 8;
            return _mix.Name switch
            {
                "Q2_K" => "Q3_K",
                "Q3_K_M" => index < _layers / 16 ? "Q5_K" : "Q4_K",
                "Q3_K_L" => "Q5_K",
                "Q4_K_M" or "Q5_K_M" when MoreBits(index, _layers) => "Q6_K",
                "IQ4_NL" or "IQ4_XS" when first && !_importance => "Q5_K",
                "Q4_K_S" when first => "Q5_K",
                "Q4_0" when first && _importance => "Q4_1",
                "Q5_0" when first && _importance => "Q5_1",
                _ => type,
            };
        }

        /// <summary>The first and the last eighth of the blocks, and of the others every third.</summary>
        private static bool MoreBits(int index, int count) => index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2;

        private static bool Has(GgufMixTensor tensor, string part) => tensor.Name.Contains(part, StringComparison.Ordinal);
    }
}
