using Vernier.Inference.Gguf;

namespace Vernier.Inference.Decoders;

/// <summary>The names that the tensors of a transformer have in a GGUF file, made of those that they have in a checkpoint.</summary>
internal static class TransformerGgufNames
{
    /// <summary>The names of a model.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="further">Names in a block that come before those that follow from the configuration.</param>
    public static GgufNames Of(TransformerConfig config, IReadOnlyList<(string Hf, string Gguf)> further)
    {
        TransformerNames names = config.Names;
        List<(string, string)> whole = [(names.Embedding, "token_embd"), (names.FinalNorm, "output_norm"), (names.Head, "output")];
        List<(string, string)> exact = [($"{names.FinalNorm}.bias", "output_norm.bias"), ($"{names.Head}.bias", "output.bias")];
        if (names.Positions is { } positions)
            whole.Add((positions.Name, "position_embd"));
        if (names.EmbeddingNorm is { } norm)
        {
            whole.Add((norm, "token_embd_norm"));
            exact.Add(($"{norm}.bias", "token_embd_norm.bias"));
        }
        if (names.Sinks is { } sinks)
            exact.Add((sinks, "attn_sinks.weight"));
        List<(string, string)> parts = [.. further, .. Norms(config), .. Layers(config)];
        if (ExpertsOf(config) is ExpertStyle experts)
        {
            parts.AddRange(Experts(experts));
            if (experts.Correction is { } correction)
                exact.Add((correction, "exp_probs_b.bias"));
        }
        return new GgufNames(names.Layer, whole, parts, exact);
    }

    /// <summary>The experts of the first layer that has some; null where there are none.</summary>
    public static ExpertStyle? ExpertsOf(TransformerConfig config) =>
        Enumerable.Range(0, config.LayerCount).Select(config.ExpertsOf).FirstOrDefault(style => style is not null);

    private static IEnumerable<(string, string)> Norms(TransformerConfig config)
    {
        TransformerNames names = config.Names;
        if (config.Order != ResidualOrder.Behind)
        {
            yield return (names.AttentionNorm, "attn_norm");
            if (names.FeedForwardNorm is { } before)
                yield return (before, "ffn_norm");
        }
        if (names.AfterAttentionNorm is { } afterAttention)
            yield return (afterAttention, "post_attention_norm");
        if (names.AfterFeedForwardNorm is { } afterFeedForward)
            yield return (afterFeedForward, "post_ffw_norm");
        if (names.QueryNorm is { } query)
            yield return (query, "attn_q_norm");
        if (names.KeyNorm is { } key)
            yield return (key, "attn_k_norm");
        if (names.AttentionSubNorm is { } attention)
            yield return (attention, "attn_sub_norm");
        if (names.FeedForwardSubNorm is { } feedForward)
            yield return (feedForward, "ffn_sub_norm");
    }

    private static IEnumerable<(string, string)> Layers(TransformerConfig config)
    {
        TransformerNames names = config.Names;
        return [.. names.AttentionInputs.Zip(names.AttentionInputs.Count == 1 ? (string[])["attn_qkv"] : ["attn_q", "attn_k", "attn_v"]),
            (names.AttentionOutput, "attn_output"),
            .. names.FeedForwardInputs.Zip(names.FeedForwardInputs.Count == 1 ? (string[])["ffn_up"] : ["ffn_gate", "ffn_up"]),
            (names.FeedForwardOutput, "ffn_down")];
    }

    private static IEnumerable<(string, string)> Experts(ExpertStyle style)
    {
        string[] inputs = style.Inputs.Count == 1 ? ["ffn_up"] : ["ffn_gate", "ffn_up"];
        IReadOnlyList<string> shared = style.SharedInputs ?? style.Inputs;
        yield return (style.Router, "ffn_gate_inp");
        foreach ((string hf, string gguf) in style.Inputs.Zip(inputs).Append((style.Output, "ffn_down")))
            yield return ($"{style.Experts}*.{hf}", $"{gguf}_exps");
        if (style.SharedSize == 0)
            yield break;
        foreach ((string hf, string gguf) in shared.Zip(inputs).Append((style.SharedOutput ?? style.Output, "ffn_down")))
            yield return (style.Shared + hf, $"{gguf}_shexp");
        if (style.SharedGate is { } gate)
            yield return (gate, "ffn_gate_inp_shexp");
    }
}
