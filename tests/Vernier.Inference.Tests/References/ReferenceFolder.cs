using System.Buffers.Binary;
using System.Text.Json;

namespace Vernier.Tests.References;

/// <summary>Reads the files of a folder: config.json, and model.safetensors or the files of an index.</summary>
internal static class ReferenceFolder
{
    /// <summary>The tensors of all files.</summary>
    public static Dictionary<string, ReferenceTensor> Tensors(string folder)
    {
        string single = Path.Combine(folder, "model.safetensors"), index = single + ".index.json";
        var tensors = new Dictionary<string, ReferenceTensor>(StringComparer.Ordinal);
        if (File.Exists(single))
        {
            Add(tensors, single);
            return tensors;
        }
        ReferenceObject map = ReferenceObject.Parse(File.ReadAllBytes(index)).Object("weight_map")
            ?? throw new ReferenceRefusal("no weight_map");
        var places = map.Members.Keys.ToDictionary(name => name, name => map.Text(name) ?? throw new ReferenceRefusal("a file is null"),
            StringComparer.Ordinal);
        foreach (string file in places.Values.Distinct(StringComparer.Ordinal))
        {
            string path = Path.Combine(folder, file);
            if (file.Length == 0 || !File.Exists(path))
                throw new ReferenceRefusal($"no file {file}");
            var here = new Dictionary<string, ReferenceTensor>(StringComparer.Ordinal);
            Add(here, path);
            foreach ((string name, ReferenceTensor tensor) in here)
            {
                if (!tensors.TryAdd(name, tensor))
                    throw new ReferenceRefusal($"{name} in two files");
                if (places.TryGetValue(name, out string? place) && place != file)
                    throw new ReferenceRefusal($"{name} is in another file");
            }
        }
        return places.Keys.FirstOrDefault(name => !tensors.ContainsKey(name)) is string missing
            ? throw new ReferenceRefusal($"{missing} is in no file") : tensors;
    }

    private static void Add(Dictionary<string, ReferenceTensor> tensors, string path)
    {
        byte[] file = File.ReadAllBytes(path);
        long length = file.Length < 8 ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file);
        if (length < 0 || length > file.Length - 8)
            throw new ReferenceRefusal("the header's length");
        int data = 8 + (int)length;
        ReferenceObject header = ReferenceObject.Parse(file[8..data]);
        long covered = 0;
        foreach ((string name, JsonElement element) in header.Members.Where(member => member.Key != "__metadata__")
            .OrderBy(member => End(new ReferenceObject(member.Value))))
        {
            var entry = new ReferenceObject(element);
            string type = entry.Text("dtype") ?? throw new ReferenceRefusal("no dtype");
            long[] shape = Integers(entry, "shape"), offsets = Integers(entry, "data_offsets");
            if (offsets.Length != 2 || offsets[0] != covered || offsets[1] < covered || offsets[1] > file.Length - data)
                throw new ReferenceRefusal($"the place of {name}");
            covered = offsets[1];
            tensors.Add(name, new ReferenceTensor(name, type, shape, file[(data + (int)offsets[0])..(data + (int)offsets[1])]));
        }
        if (covered != file.Length - data)
            throw new ReferenceRefusal("bytes of no tensor");
    }

    private static long End(ReferenceObject entry) => Integers(entry, "data_offsets") is [_, long end] ? end
        : throw new ReferenceRefusal("data_offsets");

    private static long[] Integers(ReferenceObject entry, string name) =>
        entry.Has(name) && entry.Members[name].ValueKind == JsonValueKind.Array
            ? [.. entry.Members[name].EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number
                && item.TryGetInt64(out long number) ? number : throw new ReferenceRefusal(name))]
            : throw new ReferenceRefusal(name);
}
