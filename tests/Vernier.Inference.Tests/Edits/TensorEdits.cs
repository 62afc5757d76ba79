using Vernier.Tests.References;

namespace Vernier.Tests.Edits;

/// <summary>Changes lists of tensors at random: drops, renames, resizes, exchanges, repeats and adds them, and changes their
/// types.</summary>
/// <param name="random">Chooses.</param>
/// <param name="types">The types that numbers are converted to.</param>
/// <param name="added">Names of tensors that other networks have, or a network of the kind may have.</param>
internal sealed class TensorEdits(Random random, string[] types, string[] added)
{
    /// <summary>Makes one change.</summary>
    /// <returns>What it is.</returns>
    public string Change(List<ReferenceTensor> tensors)
    {
        if (tensors.Count == 0)
            return Add(tensors, 24);
        int at = random.Next(tensors.Count);
        ReferenceTensor tensor = tensors[at];
        switch (random.Next(13))
        {
            case 0 or 1:
                tensors.RemoveAt(at);
                return $"drop {tensor.Name}";
            case 2:
                tensors[at] = tensor with { Name = NewName(tensors, tensor.Name) };
                return $"rename {tensor.Name} to {tensors[at].Name}";
            case 3 or 4:
                tensors[at] = Resized(tensor);
                return $"{tensor.Name}: shape [{string.Join(", ", tensors[at].Shape)}], {tensors[at].Data.Length} bytes";
            case 5:
                return Exchange(tensors, at, random.Next(tensors.Count));
            case 6:
                ReferenceTensor[] alike = [.. tensors.Where(other => other != tensor && other.Shape.SequenceEqual(tensor.Shape))];
                return Exchange(tensors, at, alike.Length == 0 ? at : tensors.IndexOf(alike[random.Next(alike.Length)]));
            case 7:
                tensors.Insert(random.Next(tensors.Count + 1), random.Next(3) == 0 ? tensor
                    : tensor with { Name = NewName(tensors, tensor.Name) });
                return $"repeat {tensor.Name} ({tensors.Count(other => other.Name == tensor.Name)} of that name)";
            case 8 or 9:
                string type = types[random.Next(types.Length)];
                if (Converted(tensor, type) is not { } converted)
                    return Add(tensors, tensor.Shape.Length > 0 ? tensor.Shape[^1] : 1);
                tensors[at] = converted;
                return $"{tensor.Name} becomes {type}";
            case 10:
                tensors[at] = tensor with { Type = tensor.Type switch { "F32" => "I32", "F16" => "BF16", "BF16" => "F16", _ => "I32" } };
                return $"{tensor.Name} is called {tensors[at].Type}";
            default:
                return Add(tensors, tensor.Shape.Length > 0 ? tensor.Shape[^1] : 1);
        }
    }

    private string Add(List<ReferenceTensor> tensors, long width)
    {
        string name = added[random.Next(added.Length)];
        long[] shape = random.Next(3) == 0 ? [width, width] : [width];
        byte[] data = new byte[shape.Aggregate(4L, (x, y) => x * y)];
        for (int i = 0; i < data.Length; i += 4)
            BitConverter.GetBytes((float)(random.NextDouble() + 0.25)).CopyTo(data, i);
        tensors.Insert(random.Next(tensors.Count + 1), new ReferenceTensor(name, "F32", shape, data));
        return $"add {name}";
    }

    private static string Exchange(List<ReferenceTensor> tensors, int one, int other)
    {
        (ReferenceTensor a, ReferenceTensor b) = (tensors[one], tensors[other]);
        tensors[one] = a with { Name = b.Name };
        tensors[other] = b with { Name = a.Name };
        return $"exchange {a.Name} and {b.Name}";
    }

    private string NewName(List<ReferenceTensor> tensors, string name) => random.Next(6) switch
    {
        0 => JsonEdits.Unknown + name,
        1 => name.Replace(".0.", ".1.", StringComparison.Ordinal),
        2 => name.Replace(".weight", ".bias", StringComparison.Ordinal),
        3 => name.Replace("model.", "", StringComparison.Ordinal),
        4 => added[random.Next(added.Length)],
        _ => tensors[random.Next(tensors.Count)].Name,
    };

    // With as many bytes as it had, or as it then needs.
    private ReferenceTensor Resized(ReferenceTensor tensor)
    {
        long[] shape = [.. tensor.Shape];
        if (shape.Length == 0)
            return tensor with { Shape = [1] };
        int at = random.Next(shape.Length);
        switch (random.Next(7))
        {
            case 0:
                return tensor with { Shape = [.. shape.Reverse()] };
            case 1:
                return tensor with { Shape = [.. shape, 1] };
            case 2:
                return tensor with { Shape = [shape.Aggregate((x, y) => x * y)] };
            case 3:
                shape[at] = random.Next(2) == 0 ? shape[at] + 1 : Math.Max(0, shape[at] - 1);
                return tensor with { Shape = shape };
            case 4:
                shape[at] = 0;
                break;
            case 5 when shape[0] > 1:
                shape[0]--;
                break;
            default:
                shape[0] *= 2;
                break;
        }
        long bytes = shape.Aggregate((long)ReferenceTensor.SizeOf(tensor.Type), (x, y) => x * y);
        byte[] data = new byte[bytes];
        for (int i = 0; i < data.Length; i += Math.Max(1, tensor.Data.Length))
            tensor.Data.AsSpan(0, Math.Min(tensor.Data.Length, data.Length - i)).CopyTo(data.AsSpan(i));
        return tensor with { Shape = shape, Data = data };
    }

    private static ReferenceTensor? Converted(ReferenceTensor tensor, string type)
    {
        try
        {
            return tensor.As(type);
        }
        catch (ReferenceRefusal)
        {
            return null; // An earlier edit has made something else of it.
        }
    }
}
