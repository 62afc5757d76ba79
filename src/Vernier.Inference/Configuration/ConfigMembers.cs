using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Packing.Configuration;

namespace Vernier.Inference.Configuration;

/// <summary>
/// What becomes of the members of config.json that an architecture did not read: those that would change the network are refused unless
/// they have the value that leaves it as it is, those that say nothing about it are passed over, and all others are listed.
/// </summary>
/// <remarks>What asks for tensors of its own (biases, norms of heads, experts) is found by the tensors: none may be without a
/// use.</remarks>
internal static class ConfigMembers
{
    /// <summary>The member in which an export keeps metadata of a GGUF file.</summary>
    public const string GgufExtra = "gguf";

    /// <summary>Members by which other programs than transformers say that weights are codes.</summary>
    private static readonly string[] s_tools = ["quantization", "compression_config", "sparsity_config"];

    /// <summary>Holds members that were not read against the lists.</summary>
    /// <param name="root">The object of config.json.</param>
    /// <param name="read">The names of those that were read.</param>
    /// <returns>The names of those that nothing is known of.</returns>
    /// <exception cref="UnsupportedModelException">One changes the network, and is not computed here.</exception>
    public static string[] Check(ConfigObject root, IReadOnlySet<string> read)
    {
        var unknown = new List<string>();
        foreach (JsonProperty member in root.Element.EnumerateObject())
        {
            if (read.Contains(member.Name) || HarmlessMembers.Contains(member.Name) || member.Name == GgufExtra
                || member.Value.ValueKind == JsonValueKind.Null)
                continue;
            switch (NeutralMembers.IsNeutral(root, member))
            {
                case null:
                    unknown.Add(member.Name);
                    break;
                case false when s_tools.Contains(member.Name):
                    throw root.Unsupported(ModelRules.ConfigMember,
                        $"{ConfigObject.Quote(member.Name)} is there: the weights are codes of "
                            + $"{QuantizationTools.NameOf(member.Name, member.Value)}",
                        QuantizationTools.Remedy);
                case false:
                    throw root.Unsupported(ModelRules.ConfigMember,
                        $"{ConfigObject.Quote(member.Name)} is "
                        + $"{ConfigObject.Quote(BareNumbers.NameOf(member.Value) ?? member.Value.GetRawText())}, which "
                        + $"{root.ModelType} does not have here and which changes what the network computes",
                        "Give a model without it, or one of a family that has it");
            }
        }
        return [.. unknown];
    }
}
