using Vernier.Quantization.Evaluation;

namespace Vernier.Bench.Gguf;

/// <summary>What llama.cpp makes of a file, on windows of a text.</summary>
/// <param name="Perplexity">exp of the mean negative log-likelihood of the next token.</param>
/// <param name="Divergence">The mean KL divergence from the reference, in nats; 0 for the reference.</param>
internal sealed record PeerScore(double Perplexity, double Divergence);

/// <summary>Evaluates GGUF files by llama.cpp, against the logits that it computes of a reference.</summary>
internal sealed class PeerEvaluation(LlamaCpp library, IReadOnlyList<EvaluationWindow> windows, int vocabulary, int threads)
{
    private float[][] _reference = [];

    /// <summary>Makes a file the reference of all that follow.</summary>
    public PeerScore SetReference(string path)
    {
        using LlamaSession session = library.Open(path, windows[0].Inputs.Length, threads);
        _reference = [.. windows.Select(window => LogProbabilities(session, window))];
        return Score(_reference);
    }

    /// <summary>Evaluates a file.</summary>
    public PeerScore Evaluate(string path)
    {
        using LlamaSession session = library.Open(path, windows[0].Inputs.Length, threads);
        return Score(windows.Select(window => LogProbabilities(session, window)));
    }

    private PeerScore Score(IEnumerable<float[]> all)
    {
        double loss = 0, divergence = 0;
        long tokens = 0;
        foreach ((float[] scores, int number) in all.Select((scores, i) => (scores, i)))
        {
            EvaluationWindow window = windows[number];
            for (int i = window.FirstScored; i < window.Targets.Length; i++, tokens++)
            {
                ReadOnlySpan<float> row = scores.AsSpan(i * vocabulary, vocabulary), reference = _reference.Length == 0 ? row
                    : _reference[number].AsSpan(i * vocabulary, vocabulary);
                loss -= row[window.Targets[i]];
                for (int token = 0; token < vocabulary; token++)
                    divergence += Math.Exp(reference[token]) * ((double)reference[token] - row[token]);
            }
        }
        return new PeerScore(Math.Exp(loss / tokens), divergence / tokens);
    }

    private float[] LogProbabilities(LlamaSession session, EvaluationWindow window)
    {
        session.Clear();
        float[] logits = session.AllLogits(window.Inputs, vocabulary);
        for (int i = 0; i < window.Inputs.Length; i++)
        {
            Span<float> row = logits.AsSpan(i * vocabulary, vocabulary);
            float most = System.Numerics.Tensors.TensorPrimitives.Max<float>(row);
            double sum = 0;
            foreach (float logit in row)
                sum += Math.Exp(logit - most);
            System.Numerics.Tensors.TensorPrimitives.Subtract(row, most + (float)Math.Log(sum), row);
        }
        return logits;
    }
}
