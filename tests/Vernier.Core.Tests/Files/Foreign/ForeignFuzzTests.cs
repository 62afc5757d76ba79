using System.Globalization;
using System.Text;
using System.Text.Json;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Checkpoints;
using Vernier.Files.Foreign;
using Vernier.Files.Safetensors;

namespace Vernier.Tests.Files.Foreign;

/// <summary>Damaged files and descriptions of every format are read whole or refused by name. VERNIER_FOREIGN_FUZZ raises the number of
/// each.</summary>
public sealed class ForeignFuzzTests
{
    private static readonly int s_count = int.Parse(Environment.GetEnvironmentVariable("VERNIER_FOREIGN_FUZZ") ?? "300",
        CultureInfo.InvariantCulture);

    public static TheoryData<string> Formats => [.. ForeignFolder.All.Select(folder => folder.Name), "mxfp4"];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Damaged_files_are_read_whole_or_refused(string name)
    {
        var packer = new ForeignPacker(5);
        string config = """{"quant_method": "mxfp4"}""";
        if (name == "mxfp4")
            packer.Mxfp4("a.experts", "up_proj", 2, 3, 2);
        else
        {
            config = ForeignFolder.Of(name).Config;
            ForeignFolder.Of(name).Pack(packer, "a", 8, 48);
        }
        byte[] file = ForeignFolder.Bytes(packer.Tensors);
        var outcomes = new Dictionary<string, int>(StringComparer.Ordinal);
        Assert.Equal("read", Outcome(file, config));
        // Most changes are to the description of the tensors, which is what a reader has to hold against each other.
        int header = 8 + BitConverter.ToInt32(file);
        foreach (byte[] damaged in Mutation.Of(file[8..header], s_count / 2, 1))
            Count(Outcome([.. BitConverter.GetBytes((long)damaged.Length), .. damaged, .. file[header..]], config));
        foreach (byte[] damaged in Mutation.Of(file, s_count / 4, 2))
            Count(Outcome(damaged, config));
        foreach (byte[] damaged in Mutation.Of(Encoding.UTF8.GetBytes(config), s_count / 4, 3))
            Count(Outcome(file, Encoding.UTF8.GetString(damaged)));
        Assert.Equal(s_count / 2 + s_count / 4 * 2, outcomes.Values.Sum());
        Assert.InRange(outcomes["read"], s_count / 50, s_count * 3 / 4);

        void Count(string outcome) => outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
    }

    private static string Outcome(byte[] file, string config)
    {
        JsonElement root;
        try
        {
            root = ForeignFormatTests.Config(config);
        }
        catch (JsonException)
        {
            return "no JSON";
        }
        try
        {
            using Checkpoint checkpoint = Checkpoint.Of(SafetensorsFile.Open(file, "test.safetensors"), "test");
            checkpoint.Scale();
            if (ForeignModel.Read(checkpoint, root, "config.json") is not ForeignModel model)
                return "another tool";
            model.Show(checkpoint);
            foreach (TensorInfo tensor in checkpoint.Tensors.Where(tensor => tensor.Type.IsFloat()))
            {
                // No more than the file justifies: two bits become a single.
                Assert.InRange(tensor.Bytes, 0, 16L * file.Length);
                checkpoint.Read(tensor, 0, new float[tensor.Count]);
            }
            return "read";
        }
        catch (VernierException e)
        {
            Assert.NotEmpty(e.Remedy);
            return e.Rule;
        }
    }
}
