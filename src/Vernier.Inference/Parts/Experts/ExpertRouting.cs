using System.Numerics.Tensors;

namespace Vernier.Inference.Parts.Experts;

/// <summary>How scores of experts come from the router's logits.</summary>
public enum ExpertScores
{
    /// <summary>The softmax over all experts.</summary>
    Softmax,

    /// <summary>The softmax over those that are chosen.</summary>
    SoftmaxOfChosen,

    /// <summary>The sigmoid of each.</summary>
    Sigmoid,

    /// <summary>SparseMixer's (Liu et al., 2023), for two experts: each is the best of what is left, its score the softmax over those whose
    /// logits are not far below it.</summary>
    SparseMixer,
}

/// <summary>How the experts of a token are chosen and weighed.</summary>
public sealed record ExpertRouting
{
    /// <summary>The experts.</summary>
    public required int Experts { get; init; }

    /// <summary>How many of them a token gets.</summary>
    public required int PerToken { get; init; }

    /// <summary>How scores come from logits. Default softmax over all.</summary>
    public ExpertScores Scores { get; init; }

    /// <summary>Whether the weights of the chosen are divided by their sum. Default false.</summary>
    public bool Normalize { get; init; }

    /// <summary>What the weights are multiplied by. Default 1.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Groups of consecutive experts, of which only <see cref="TopGroups"/> are looked at. Default 1.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>How many groups are looked at. Default 1.</summary>
    public int TopGroups { get; init; } = 1;

    /// <summary>How many of the best scores of a group make its own; 1 for DeepSeek V2, 2 for V3. Default 1.</summary>
    public int GroupBest { get; init; } = 1;

    /// <summary>SparseMixer: logits further below the best, relative to the larger magnitude, than twice this do not count.</summary>
    public float Jitter { get; init; } = 0.01f;

    /// <summary>Chooses experts.</summary>
    /// <param name="logits">The router's logits, one for each expert; changed.</param>
    /// <param name="correction">What is added to the scores for the choice alone; empty for nothing.</param>
    /// <param name="chosen">Receives the experts, the best first.</param>
    /// <param name="weights">Receives their weights.</param>
    public void Choose(Span<float> logits, ReadOnlySpan<float> correction, Span<int> chosen, Span<float> weights)
    {
        switch (Scores)
        {
            case ExpertScores.Softmax:
                TensorPrimitives.SoftMax(logits, logits);
                break;
            case ExpertScores.Sigmoid:
                TensorPrimitives.Sigmoid(logits, logits);
                break;
            case ExpertScores.SparseMixer:
                Mix(logits, chosen, weights);
                return;
        }
        Span<float> ranking = new float[Experts];
        logits.CopyTo(ranking);
        if (!correction.IsEmpty)
            TensorPrimitives.Add(ranking, correction, ranking);
        if (Groups > 1)
            KeepGroups(ranking);
        for (int i = 0; i < PerToken; i++)
        {
            int best = Best(ranking);
            (chosen[i], weights[i]) = (best, logits[best]);
            ranking[best] = float.NegativeInfinity;
        }
        weights = weights[..PerToken];
        if (Scores == ExpertScores.SoftmaxOfChosen)
            TensorPrimitives.SoftMax(weights, weights);
        if (Normalize)
            TensorPrimitives.Divide(weights, TensorPrimitives.Sum<float>(weights) + (Scores == ExpertScores.Sigmoid ? 1e-20f : 0), weights);
        TensorPrimitives.Multiply(weights, Scale, weights);
    }

    // The first of the largest; a NaN is not larger than anything, and the first wins where all are.
    private static int Best(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }
        return best;
    }

    private void KeepGroups(Span<float> ranking)
    {
        int size = Experts / Groups;
        Span<float> groups = new float[Groups], sorted = new float[size];
        for (int group = 0; group < Groups; group++)
        {
            ranking.Slice(group * size, size).CopyTo(sorted);
            sorted.Sort((a, b) => b.CompareTo(a));
            groups[group] = TensorPrimitives.Sum<float>(sorted[..Math.Min(GroupBest, size)]);
        }
        Span<bool> kept = new bool[Groups];
        for (int i = 0; i < TopGroups; i++)
        {
            int best = Best(groups);
            (kept[best], groups[best]) = (true, float.NegativeInfinity);
        }
        for (int group = 0; group < Groups; group++)
        {
            // As the library does: the score of what was dropped is 0, not less.
            if (!kept[group])
                ranking.Slice(group * size, size).Clear();
        }
    }

    private void Mix(ReadOnlySpan<float> logits, Span<int> chosen, Span<float> weights)
    {
        Span<float> left = new float[Experts];
        logits.CopyTo(left);
        for (int i = 0; i < PerToken; i++)
        {
            int best = Best(left);
            float top = left[best], sum = 0;
            for (int j = 0; j < Experts; j++)
            {
                float magnitude = Math.Max(Math.Abs(logits[j]), top);
                if (float.IsNegativeInfinity(left[j]) || (top - logits[j]) / magnitude > 2 * Jitter)
                    continue;
                sum += MathF.Exp(left[j] - top);
            }
            (chosen[i], weights[i]) = (best, 1 / sum);
            left[best] = float.NegativeInfinity;
        }
    }
}
