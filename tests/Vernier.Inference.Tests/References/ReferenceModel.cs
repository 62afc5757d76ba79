using System.Diagnostics.CodeAnalysis;

namespace Vernier.Tests.References;

/// <summary>
/// A model that an independent reader has understood, from its own files to its logits: it shares no code with the production code, and
/// says that files stand for no network where they lack what it needs or have what it has no use for.
/// </summary>
internal sealed class ReferenceModel
{
    private static readonly string[] s_tables = [".rotary_emb.inv_freq", ".attn.masked_bias"];

    private readonly ReferenceDecoder _decoder;

    private ReferenceModel(TinySpec spec, IReadOnlyDictionary<string, ReferenceTensor> stored)
    {
        var tensors = new Dictionary<string, TinyTensor>(StringComparer.Ordinal);
        foreach ((string name, int[] shape) in spec.Shapes())
        {
            if (!stored.TryGetValue(name, out ReferenceTensor? tensor))
                throw new ReferenceRefusal($"{name} is missing");
            if (!tensor.Shape.SequenceEqual(shape.Select(size => (long)size)))
                throw new ReferenceRefusal($"the shape of {name}");
            tensors[name] = tensor.Read();
        }
        Scale(tensors, stored, out HashSet<string> scales);
        foreach (ReferenceTensor tensor in stored.Values)
        {
            if (!tensors.ContainsKey(tensor.Name) && !scales.Contains(tensor.Name)
                && !Array.Exists(s_tables, end => tensor.Name.EndsWith(end, StringComparison.Ordinal))
                    && !IsEmbedding(spec, tensor, stored))
                throw new ReferenceRefusal($"no use for {tensor.Name}");
        }
        Spec = spec;
        _decoder = new ReferenceDecoder(spec, tensors);
    }

    /// <summary>The network.</summary>
    public TinySpec Spec { get; }

    /// <summary>Reads a folder or a GGUF file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="model">The model, or null.</param>
    /// <param name="reason">Why there is none, or null.</param>
    public static bool TryRead(string path, [NotNullWhen(true)] out ReferenceModel? model, [NotNullWhen(false)] out string? reason)
    {
        (model, reason) = (null, null);
        try
        {
            if (File.Exists(path))
            {
                (TinySpec spec, Dictionary<string, ReferenceTensor> tensors) = ReferenceGguf.Read(StoredGguf.Read(File.ReadAllBytes(path)));
                model = new ReferenceModel(spec, tensors);
            }
            else
            {
                TinySpec spec = ReferenceConfig.Read(ReferenceObject.Parse(File.ReadAllBytes(Path.Combine(path, "config.json"))));
                model = new ReferenceModel(spec, ReferenceFolder.Tensors(path));
            }
            return true;
        }
        catch (ReferenceRefusal e)
        {
            reason = e.Message;
            return false;
        }
    }

    /// <summary>The logits of every token of a text.</summary>
    public double[][] Logits(int[] tokens) => _decoder.Logits(tokens);

    // Where the two are tied, a head that is a copy of the embedding says nothing else.
    private static bool IsEmbedding(TinySpec spec, ReferenceTensor tensor, IReadOnlyDictionary<string, ReferenceTensor> stored) =>
        spec.Tied && tensor.Name == "lm_head.weight" && tensor.Read() is var head
        && stored["model.embed_tokens.weight"].Read() is var embedding && head.Shape.SequenceEqual(embedding.Shape)
        && head.Values.AsSpan().SequenceEqual(embedding.Values);

    // Weights of 8 bits times the scales beside them: one for all, or one for each row.
    private static void Scale(Dictionary<string, TinyTensor> tensors, IReadOnlyDictionary<string, ReferenceTensor> stored,
        out HashSet<string> scales)
    {
        scales = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string name, TinyTensor tensor) in tensors.ToArray())
        {
            if (!stored[name].Type.StartsWith("F8_", StringComparison.Ordinal)
                || !(stored.TryGetValue(name + "_scale_inv", out ReferenceTensor? found) || stored.TryGetValue(name + "_scale", out found)))
                continue;
            scales.Add(found.Name);
            float[] values = [.. tensor.Values], scale = found.Read().Values;
            int rows = tensor.Shape[0], columns = values.Length / rows;
            if (scale.Length != 1 && (scale.Length != rows || found.Shape.Length > 2 || found.Shape.Length == 2 && found.Shape[1] != 1))
                throw new ReferenceRefusal($"the scales of {name}");
            for (int i = 0; i < values.Length; i++)
                values[i] *= scale[scale.Length == 1 ? 0 : i / columns];
            tensors[name] = tensor with { Values = values };
        }
    }
}
