using System.Diagnostics.CodeAnalysis;
using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>Which tensor gets which type in a file of a kind: the rules of llama-quantize.</summary>
public sealed class GgufMix
{
    private static readonly string[] s_single =
        ["_norm.weight", "ffn_gate_inp.weight", "position_embd.weight", "token_types.weight", "ssm_conv1d.weight", "shortconv.conv.weight"];

    private GgufMix(string name, int fileType, string type) =>
        (Name, FileType, Default) = (name, fileType, GgufTensorType.TryGet(type, out GgufTensorType? known) ? known
        : throw new ArgumentException(type, nameof(type)));

    /// <summary>All mixes, the smallest type first.</summary>
    public static IReadOnlyList<GgufMix> All { get; } =
    [
        new("TQ1_0", 36, "TQ1_0"), new("TQ2_0", 37, "TQ2_0"), new("Q2_K", 10, "Q2_K"), new("Q3_K_S", 11, "Q3_K"), new("Q3_K_M", 12, "Q3_K"),
            new("Q3_K_L", 13, "Q3_K"),
        new("IQ4_XS", 30, "IQ4_XS"), new("IQ4_NL", 25, "IQ4_NL"), new("MXFP4_MOE", 38, "MXFP4"), new("Q4_0", 2, "Q4_0"),
            new("Q4_1", 3, "Q4_1"), new("Q4_K_S", 14, "Q4_K"), new("Q4_K_M", 15, "Q4_K"),
        new("Q5_0", 8, "Q5_0"), new("Q5_1", 9, "Q5_1"), new("Q5_K_S", 16, "Q5_K"), new("Q5_K_M", 17, "Q5_K"), new("Q6_K", 18, "Q6_K"),
            new("Q8_0", 7, "Q8_0"),
        new("F16", 1, "F16"), new("BF16", 32, "BF16"), new("F32", 0, "F32"),
    ];

    /// <summary>The name in llama-quantize, such as <c>Q4_K_M</c>.</summary>
    public string Name { get; }

    /// <summary>The number in <c>general.file_type</c>, llama_ftype.</summary>
    public int FileType { get; }

    /// <summary>The type of most tensors.</summary>
    public GgufTensorType Default { get; }

    /// <summary>Finds a mix by its name, in capital or small letters. Q3_K, Q4_K and Q5_K mean the middle one, MXFP4 means
    /// MXFP4_MOE.</summary>
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

    /// <summary>Whether a tensor may have another type than F32: a matrix that is no norm, and none of those that llama.cpp has in single
    /// precision alone, as routers of experts.</summary>
    public static bool MayConvert(GgufMixTensor tensor) =>
        tensor.Shape.Count >= 2 && tensor.Name.EndsWith("weight", StringComparison.Ordinal)
            && !Array.Exists(s_single, part => tensor.Name.Contains(part, StringComparison.Ordinal));

    /// <summary>Chooses the types.</summary>
    /// <param name="tensors">All tensors of the file.</param>
    /// <param name="model">The model.</param>
    /// <param name="overrides">Types by pattern; the first that matches counts.</param>
    /// <param name="importance">Whether an importance matrix is used, for which llama-quantize has rules of its own.</param>
    /// <returns>The type of each tensor, by its name.</returns>
    public IReadOnlyDictionary<string, GgufTensorType> Types(
        IEnumerable<GgufMixTensor> tensors, GgufMixModel model, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false)
    {
        var types = new Dictionary<string, GgufTensorType>(StringComparer.Ordinal);
        foreach ((GgufMixTensor tensor, GgufTensorType wanted) in Wanted(tensors, model, overrides ?? [], importance))
            types[tensor.Name] = Fit(tensor, wanted);
        return types;
    }

    /// <summary>The tensors whose rows fill no whole blocks of the type that the rules give them, and that get another.</summary>
    /// <param name="tensors">All tensors of the file.</param>
    /// <param name="model">The model.</param>
    /// <param name="overrides">Types by pattern; the first that matches counts.</param>
    /// <param name="importance">Whether an importance matrix is used.</param>
    public IReadOnlyList<GgufFallback> Fallbacks(
        IEnumerable<GgufMixTensor> tensors, GgufMixModel model, IReadOnlyList<GgufOverride>? overrides = null, bool importance = false) =>
        [.. Wanted(tensors, model, overrides ?? [], importance)
            .Where(pair => Fit(pair.Tensor, pair.Type) != pair.Type)
            .Select(pair => new GgufFallback(pair.Tensor, pair.Type, Fit(pair.Tensor, pair.Type)))];

    private IEnumerable<(GgufMixTensor Tensor, GgufTensorType Type)> Wanted(
        IEnumerable<GgufMixTensor> tensors, GgufMixModel model, IReadOnlyList<GgufOverride> overrides, bool importance)
    {
        // The rules count attention and feed-forward tensors in the order of the blocks.
        GgufMixTensor[] ordered = [.. tensors.OrderBy(tensor => GgufNames.LayerOf(tensor.Name) ?? -1)
            .ThenBy(tensor => tensor.Name, StringComparer.Ordinal)];
        var rules = new GgufMixRules(this, model, importance, ordered);
        // Each is asked once, for the rules count as they go.
        return [.. ordered.Select(tensor => (tensor, MayConvert(tensor) ? TypeOf(tensor) : GgufTensorType.F32))];

        GgufTensorType TypeOf(GgufMixTensor tensor) =>
            overrides.FirstOrDefault(one => one.Pattern.IsMatch(tensor.Name)) is GgufOverride given ? given.Type
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
        return other is not null && GgufTensorType.TryGet(other, out GgufTensorType? smaller)
            && tensor.Shape[^1] % smaller.BlockColumns == 0 ? smaller : GgufTensorType.F16;
    }
}
