using Vernier.Files.Gguf;

namespace Vernier.Inference.Gguf;

/// <summary>The rules of one file, which count as they go.</summary>
internal sealed class GgufMixRules
{
    private readonly GgufMix _mix;
    private readonly bool _importance, _tied, _large;
    private readonly int _layers, _values, _sharing, _experts;
    private readonly bool _falcon;
    private int _value, _down;

    public GgufMixRules(GgufMix mix, GgufMixModel model, bool importance, GgufMixTensor[] tensors)
    {
        (_mix, _importance, _layers, _sharing, _large) = (mix, importance, model.Layers, model.Sharing, model.Large);
        (_experts, _falcon) = (model.Experts, model.Architecture == "falcon");
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
            return _mix.Name == "MXFP4_MOE" || _falcon || tensor.Shape[^1] % _mix.Default.BlockColumns != 0 || type == "Q8_0" ? "Q8_0"
                : "Q6_K";
        if (_mix.Name == "MXFP4_MOE")
            return tensor.Shape.Count > 2 && tensor.Shape[0] > 1 ? "MXFP4" : "Q8_0";
        if (embedding)
            return _mix.Name is "TQ1_0" or "TQ2_0" ? "Q4_K" : type;
        if (Has(tensor, "attn_qkv.weight") || Has(tensor, "attn_v.weight"))
            return Value(type, _value++);
        // Experts of a layer are several tensors of which one is counted: the block tells.
        if (Has(tensor, "ffn_down"))
            return Down(type, _experts > 1 ? GgufNames.LayerOf(tensor.Name) ?? 0 : _down++);
        if (Has(tensor, "attn_k.weight") && _experts == 8)
            return "Q8_0";
        return Has(tensor, "attn_output.weight") ? Output(type) : type;
    }

    private string Output(string type)
    {
        if (_falcon)
            return _mix.Name == "Q3_K_L" ? "Q4_K" : type;
        if (_experts == 8)
            return _mix.Name is "Q2_K" or "Q3_K_S" or "Q3_K_M" or "IQ4_NL" or "Q4_K_S" or "Q4_K_M" or "IQ4_XS" ? "Q5_K" : type;
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
        return _experts == 8 ? "Q8_0" : _large && chosen is ("Q3_K" or "Q4_K") ? "Q5_K" : chosen;
    }

    private string Down(string type, int index)
    {
        bool first = index < _layers / 8;
        if (_falcon && _mix.Name is ("Q3_K_M" or "Q3_K_L" or "Q4_K_M" or "Q4_K_S"))
            return DownOfFalcon(type, index);
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

    private string DownOfFalcon(string type, int index) => _mix.Name switch
    {
        "Q3_K_M" => index < _layers / 16 ? "Q5_K" : MoreBits(index, _layers) ? "Q4_K" : "Q3_K",
        "Q3_K_L" => "Q4_K",
        "Q4_K_M" => index < _layers / 16 ? "Q6_K" : MoreBits(index, _layers) ? "Q5_K" : "Q4_K",
        _ => type,
    };

    /// <summary>The first and the last eighth of the blocks, and of the others every third.</summary>
    private static bool MoreBits(int index, int count) => index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2;

    private static bool Has(GgufMixTensor tensor, string part) => tensor.Name.Contains(part, StringComparison.Ordinal);
}
