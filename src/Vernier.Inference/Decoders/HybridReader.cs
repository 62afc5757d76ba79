using Vernier.Errors;
using Vernier.Inference.Configuration;
using Vernier.Inference.Parts.StateSpaces;

namespace Vernier.Inference.Decoders;

/// <summary>Reads what hybrids of attention and state spaces have in common.</summary>
internal static class HybridReader
{
    /// <summary>The Mamba-2 layers of the members <c>mamba_*</c>.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="hidden">The hidden size.</param>
    /// <param name="epsilon">The epsilon of the norms.</param>
    /// <exception cref="InvalidFileException">A value is missing or outside its range.</exception>
    public static Mamba2Style Mamba2(ConfigObject root, int hidden, float epsilon)
    {
        int inner = root.Integer("mamba_d_ssm", 1, 1 << 22, hidden * root.Integer("mamba_expand", 1, 64, 2)),
            heads = root.Integer("mamba_n_heads", 1, 1 << 16, 128), groups = root.Integer("mamba_n_groups", 1, heads, 1);
        root.Has("mamba_expand");
        int size = root.Element.TryGetProperty("mamba_d_head", out System.Text.Json.JsonElement given)
            && given.ValueKind == System.Text.Json.JsonValueKind.Number ? root.Integer("mamba_d_head", 1, 1 << 16) : inner / heads;
        root.Has("mamba_d_head");
        if (heads * size != inner || heads % groups != 0)
            throw root.Error(ModelRules.ConfigHeads, $"{heads} heads of {size} in {groups} groups are not the {inner} channels");
        StateSpaceMembers.Note(root);
        return new Mamba2Style(new Mamba2Shape(heads, size, root.Integer("mamba_d_state", 1, 4096, 256), groups),
            root.Integer("mamba_d_conv", 2, 64, 4), root.Flag("mamba_proj_bias", false), root.Flag("mamba_conv_bias", true),
            Mamba2Style.ReadSteps(root)) { Epsilon = epsilon };
    }
}
