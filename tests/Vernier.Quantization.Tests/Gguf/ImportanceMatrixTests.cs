using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Gguf;
using Vernier.Inference.Configuration;
using Vernier.Inference.Gguf;
using Vernier.Inference.Models;
using Vernier.Quantization.Allocation;
using Vernier.Quantization.Gguf;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;

namespace Vernier.Tests.Gguf;

/// <summary>Importance matrices of llama.cpp, and what a model takes of them.</summary>
public class ImportanceMatrixTests
{
    private const string Up = "blk.0.ffn_up.weight", UpInModel = "model.layers.0.mlp.up_proj.weight";

    [Fact]
    public void BothKindsOfImportanceMatrixAreRead()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        ModelConfig config = model.Configuration;
        File.WriteAllBytes(folder["old.dat"], Old(("blk.0.attn_q.weight", 4, [8f, 0, 2]), ("blk.1.ffn_down.weight", 2, [1f])));
        Gguf(folder["new.gguf"], ("blk.0.attn_q.weight", 4, 1, [8f, 0, 2]), ("blk.1.ffn_down.weight", 4, 1, [2f]));
        foreach (string file in (string[])["old.dat", "new.gguf"])
        {
            IReadOnlyDictionary<string, float[]> read = ImportanceMatrix.Read(folder[file], config);
            Assert.Equal([2f, 0, 0.5f], read["model.layers.0.self_attn.q_proj.weight"]);
            Assert.Equal([0.5f], read["model.layers.1.mlp.down_proj.weight"]);
            Assert.Equal(2, read.Count);
        }
    }

    [Fact]
    public void MalformedImportanceMatricesAreRefused()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        ModelConfig config = model.Configuration;
        byte[] whole = Old(("blk.0.attn_q.weight", 4, [8f, 0, 2]));
        Refused(whole[..^1]);
        Refused(whole[..3]);
        Refused([]);
        Refused([0xFF, 0xFF, 0xFF, 0x7F, .. whole[4..]]);
        Refused([.. whole[..4], 0xFF, 0xFF, 0xFF, 0x7F, .. whole[8..]]);
        Refused(Old(("blk.0.attn_q.weight", 4, [-1f])));
        Refused(Old(("blk.0.attn_q.weight", 4, [float.NaN])));
        Refused(Old(("blk.0.attn_q.weight", 4, [1f]), ("blk.0.attn_q.weight", 4, [1f])));
        Assert.Equal(FileRules.FileMissing, Assert.Throws<InvalidFileException>(() => ImportanceMatrix.Read(folder["none"], config)).Rule);

        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(folder["bad.dat"], bytes);
            Assert.Equal(ImportanceMatrix.Rule, Assert.Throws<InvalidFileException>(
                () => ImportanceMatrix.Read(folder["bad.dat"], config)).Rule);
        }
    }

    private static byte[] Old(params (string Name, int Calls, float[] Values)[] entries)
    {
        using var stream = new MemoryStream();
        Write(entries.Length);
        foreach ((string name, int calls, float[] values) in entries)
        {
            Write(Encoding.UTF8.GetByteCount(name));
            stream.Write(Encoding.UTF8.GetBytes(name));
            Write(calls);
            Write(values.Length);
            foreach (float value in values)
                stream.Write(BitConverter.GetBytes(value));
        }
        return stream.ToArray();

        void Write(int number)
        {
            var bytes = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
            stream.Write(bytes);
        }
    }

    [Fact]
    public void CountsThatAreNoneAreRefused()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        foreach (float count in (float[])[-1, float.NaN, float.PositiveInfinity])
        {
            Gguf(folder["bad.gguf"], (Up, count, 1, Ramp(256)));
            InvalidFileException error = Assert.Throws<InvalidFileException>(() => ModelImportance.Read(folder["bad.gguf"], model));
            Assert.Equal((ImportanceMatrix.Rule, Up), (error.Rule, error.Tensor));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EntriesAreTakenOrPassedOverOneByOne(bool old)
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        (string, float, int, float[])[] entries =
        [
            (Up, 4, 1, Ramp(256)),
            ("blk.1.ffn_up.weight", 4, 1, Ramp(255)),
            ("blk.99.ffn_up.weight", 4, 1, Ramp(256)),
            ("blk.0.ssm_in.weight", 4, 1, Ramp(256)),
            ("blk.0.ffn_up_exps.weight", 2, 4, Ramp(4 * 64)),
            ("blk.2.ffn_up.weight", 2, 2, Ramp(512)),
        ];
        Write(folder["imatrix"], old, entries);
        ModelImportance importance = ModelImportance.Read(folder["imatrix"], model);
        Assert.Equal([UpInModel], importance.Matrices.Keys);
        Assert.Equal(Ramp(256).Select(value => value / 4), importance.Matrices[UpInModel]);
        string[] notes = old
            ? ["entries for tensors that the model lacks, passed over: 3 (blk.99.ffn_up.weight, blk.0.ssm_in.weight, "
                + "blk.0.ffn_up_exps.weight)",
                "entries of another width than the tensor, passed over: 2 (blk.1.ffn_up.weight: 255 for 256, blk.2.ffn_up.weight: 512 for "
                + "256)"]
            : ["entries of several experts, passed over: 2 (blk.0.ffn_up_exps.weight, blk.2.ffn_up.weight)",
                "entries for tensors that the model lacks, passed over: 2 (blk.99.ffn_up.weight, blk.0.ssm_in.weight)",
                "entries of another width than the tensor, passed over: 1 (blk.1.ffn_up.weight: 255 for 256)"];
        Assert.Equal([.. notes, "linear layers without an entry, quantized without importance: 39 (blk.0.ffn_down.weight, "
            + "blk.0.ffn_gate.weight, blk.0.attn_k.weight, …)"], importance.Notes);
        InvalidFileException error = Assert.Throws<InvalidFileException>(importance.CheckComplete);
        Assert.Equal(ModelImportance.IncompleteRule, error.Rule);
        Assert.StartsWith(importance.Notes[0], error.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileThatFitsHasNothingToSay()
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        Gguf(folder["whole.gguf"], Whole(model, 3));
        ModelImportance importance = ModelImportance.Read(folder["whole.gguf"], model);
        Assert.Empty(importance.Notes);
        Assert.Equal(42, importance.Matrices.Count);
        importance.CheckComplete();
    }

    /// <summary>As in llama.cpp: a count of 0, and sums that are all 0, leave all inputs equal, and no weight becomes zero.</summary>
    [Theory]
    [InlineData(true, 0, false)]
    [InlineData(true, 3, true)]
    [InlineData(false, 0, false)]
    [InlineData(false, 3, true)]
    public void NoDataCountsAsEqualImportance(bool old, int count, bool zeros)
    {
        using var folder = new TempFolder();
        using var model = Model.Open(SharedData.Quill);
        (string, float, int, float[])[] entries = Whole(model, count);
        if (zeros)
            entries = Array.ConvertAll(entries, entry => (entry.Item1, entry.Item2, 1, new float[entry.Item4.Length]));
        Write(folder["empty"], old, entries);
        ModelImportance importance = ModelImportance.Read(folder["empty"], model);
        Assert.Equal(42, importance.Matrices.Count);
        Assert.All(importance.Matrices.Values, values => Assert.All(values, value => Assert.Equal(1, value)));
        Assert.StartsWith("entries without data, whose inputs count alike: 42 (", Assert.Single(importance.Notes),
            StringComparison.Ordinal);
        importance.CheckComplete();
        Assert.True(GgufMix.TryGet("Q4_0", out GgufMix? mix));
        var types = new GgufTypes(mix, importance: true);
        var options = new QuantizationOptions { Recipe = RecipeCatalogue.Find("gguf-datafree"), Importance = importance.Matrices,
            Allocator = new BlockFormatAllocator(types.FormatsOf(model)) };
        Assert.All(new Quantizer(QuantizationPlan.Create(model, options)).Run(folder["x.gguf"], new RunOptions { Gguf = types }),
            report => Assert.InRange(report.Error.Relative, 0, 0.02));
    }

    private static (string, float, int, float[])[] Whole(Model model, float count) =>
    [
        .. from tensor in model.Checkpoint.Tensors
           where tensor.Name.EndsWith("proj.weight", StringComparison.Ordinal)
           let part = tensor.Name.Split('.')
           select ($"blk.{part[2]}.{Short(part[^2])}.weight", count, 1, Ramp((int)tensor.Shape[^1])),
    ];

    private static string Short(string name) => name switch
    {
        "o_proj" => "attn_output",
        "gate_proj" or "up_proj" or "down_proj" => "ffn_" + name[..^5],
        _ => "attn_" + name[..1],
    };

    private static float[] Ramp(int count) => [.. Enumerable.Range(1, count).Select(i => (float)i)];

    private static void Write(string path, bool old, (string Name, float Count, int Experts, float[] Sums)[] entries)
    {
        if (old)
            File.WriteAllBytes(path, Old([.. entries.Select(entry => (entry.Name, (int)entry.Count, entry.Sums))]));
        else
            Gguf(path, entries);
    }

    private static void Gguf(string path, params (string Name, float Count, int Experts, float[] Sums)[] entries)
    {
        (GgufTensor Info, float[] Values)[] tensors = [.. entries.SelectMany(entry => ((GgufTensor, float[])[])
        [
            (new GgufTensor(entry.Name + ".in_sum2", GgufTensorType.F32, entry.Experts == 1 ? [entry.Sums.Length]
                : [entry.Experts, entry.Sums.Length / entry.Experts]), entry.Sums),
            (new GgufTensor(entry.Name + ".counts", GgufTensorType.F32, [entry.Experts, 1]),
                [.. Enumerable.Repeat(entry.Count, entry.Experts)]),
        ])];
        using var writer = new GgufWriter(path, new OrderedDictionary<string,
            GgufValue>(StringComparer.Ordinal) { ["general.type"] = GgufValue.Of("imatrix") }, [.. tensors.Select(tensor => tensor.Info)]);
        foreach ((GgufTensor info, float[] values) in tensors)
            writer.Write(info.Name, MemoryMarshal.AsBytes(values.AsSpan()));
        writer.Complete();
    }
}
