using Vernier.Inference.Parts.Experts;

namespace Vernier.Inference.Decoders;

/// <summary>What the mixture of experts of a block is, and how its tensors are called.</summary>
/// <param name="Routing">How experts are chosen.</param>
/// <param name="Size">The width of an expert between its layers.</param>
public sealed record ExpertStyle(ExpertRouting Routing, int Size)
{
    /// <summary>In a block, the router.</summary>
    public string Router { get; init; } = "mlp.gate";

    /// <summary>In a block, what stands before the number of an expert.</summary>
    public string Experts { get; init; } = "mlp.experts.";

    /// <summary>In an expert, gate and up; one name for both; or up alone.</summary>
    public IReadOnlyList<string> Inputs { get; init; } = ["gate_proj", "up_proj"];

    /// <summary>Whether the outputs of one layer for both are gate, up, gate, up .. Default gate's first.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>In an expert, down.</summary>
    public string Output { get; init; } = "down_proj";

    /// <summary>Whether an expert has a gate. Default true.</summary>
    public bool IsGated { get; init; } = true;

    /// <summary>Whether the router and the layers of experts have biases. Default false.</summary>
    public bool HasBias { get; init; }

    /// <summary>In a block, the correction of the choice; null for none.</summary>
    public string? Correction { get; init; }

    /// <summary>The width of the expert of all tokens; 0 for none.</summary>
    public int SharedSize { get; init; }

    /// <summary>In a block, what stands before the layers of the expert of all tokens.</summary>
    public string Shared { get; init; } = "mlp.shared_experts.";

    /// <summary>In the expert of all tokens, gate and up; one name for both; or up alone. Default as in the others.</summary>
    public IReadOnlyList<string>? SharedInputs { get; init; }

    /// <summary>In the expert of all tokens, down. Default as in the others.</summary>
    public string? SharedOutput { get; init; }

    /// <summary>In a block, the gate of the expert of all tokens; null for none.</summary>
    public string? SharedGate { get; init; }

    /// <summary>Whether weights multiply what comes into an expert. Default false.</summary>
    public bool WeighsInput { get; init; }

    /// <summary>The bound of gates and ups; 0, the default, for none.</summary>
    public float Limit { get; init; }
}
